// Reads where the files of an export lie in its tar file, without reading the files themselves.

const BLOCK = 512;
const FILE = "0";
const text = new TextDecoder();

/** A field of a header ends with a NUL, or at its end. */
const field = (header, start, length) => text.decode(header.subarray(start, start + length)).split("\0")[0];

/**
 * @param {Blob} archive
 * @returns {Promise<Map<string, Blob>>} the files by their names without folders
 * @throws {RangeError} for anything that is no tar file
 */
export async function readTar(archive) {
  const found = new Map();
  for (let offset = 0; offset + BLOCK <= archive.size; ) {
    const header = new Uint8Array(await archive.slice(offset, offset + BLOCK).arrayBuffer());
    if (header.every((byte) => byte === 0)) break; // the end
    const size = parseInt(field(header, 124, 12), 8);
    if (field(header, 257, 5) !== "ustar" || !(size >= 0)) throw new RangeError("no tar file");
    const name = field(header, 0, 100).split("/").at(-1);
    const kind = String.fromCharCode(header[156] || FILE.charCodeAt(0));
    if (kind === FILE && !name.startsWith("._")) found.set(name, archive.slice(offset + BLOCK, offset + BLOCK + size));
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return found;
}
