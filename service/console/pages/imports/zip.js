// Lists a ZIP archive in the browser and reads its entries one by one, so that an archive of any size can be sent in parts.

const END = 0x06054b50;
const END_64_LOCATOR = 0x07064b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const MAX_COMMENT = 65_535;
const MAX_DIRECTORY = 256_000_000;
const FULL_32 = 0xffffffff;

/**
 * @param {Blob} archive
 * @returns {Promise<import("./items.js").Item[]>}
 * @throws {RangeError} if it is no archive that can be read
 */
export async function readZip(archive) {
  const { offset, size } = await directory(archive);
  if (offset + size > archive.size || size > MAX_DIRECTORY) throw new RangeError("zip");
  const view = new DataView(await archive.slice(offset, offset + size).arrayBuffer());
  const items = [];
  for (let at = 0; at + 46 <= view.byteLength && view.getUint32(at, true) === ENTRY; ) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    const flags = view.getUint16(at + 8, true);
    const raw = new Uint8Array(view.buffer, at + 46, nameBytes);
    const name = new TextDecoder(flags & 0x800 ? "utf-8" : "windows-1252").decode(raw);
    const entry = { method: view.getUint16(at + 10, true), encrypted: (flags & 1) === 1, ...sizes(view, at, nameBytes, extraBytes) };
    if (!name.endsWith("/")) {
      items.push({
        name: name.includes("/") ? name : name.replaceAll("\\", "/"),
        size: entry.size,
        read: () => content(archive, entry),
      });
    }
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return items;
}

async function directory(archive) {
  const tail = new DataView(await archive.slice(Math.max(0, archive.size - END_BYTES - MAX_COMMENT)).arrayBuffer());
  for (let at = tail.byteLength - END_BYTES; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END) continue;
    const offset = tail.getUint32(at + 16, true);
    if (offset !== FULL_32) return { offset, size: tail.getUint32(at + 12, true) };
    if (at < 20 || tail.getUint32(at - 20, true) !== END_64_LOCATOR) break;
    const place = Number(tail.getBigUint64(at - 12, true));
    const end = new DataView(await archive.slice(place, place + 56).arrayBuffer());
    return { offset: Number(end.getBigUint64(48, true)), size: Number(end.getBigUint64(40, true)) };
  }
  throw new RangeError("zip");
}

/** The sizes and the place of an entry; those that do not fit 32 bits are in its extra field. */
function sizes(view, at, nameBytes, extraBytes) {
  let [packed, size, offset] = [20, 24, 42].map((place) => view.getUint32(at + place, true));
  let place = at + 46 + nameBytes;
  for (const end = place + extraBytes; place + 4 <= end; place += 4 + view.getUint16(place + 2, true)) {
    if (view.getUint16(place, true) !== 1) continue;
    let field = place + 4;
    const next = () => Number(view.getBigUint64((field += 8) - 8, true));
    if (size === FULL_32) size = next();
    if (packed === FULL_32) packed = next();
    if (offset === FULL_32) offset = next();
    break;
  }
  return { packed, size, offset };
}

async function content(archive, { method, encrypted, packed, size, offset }) {
  if (encrypted || (method !== 0 && method !== 8)) throw new RangeError("zip");
  const head = new DataView(await archive.slice(offset, offset + 30).arrayBuffer());
  const begin = offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
  const data = archive.slice(begin, begin + packed);
  if (method === 0) return data;
  const unpacked = data.stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return bounded(unpacked, size);
}

/** An entry that unpacks to more than it says is not read to its end. */
async function bounded(stream, size) {
  const chunks = [];
  let total = 0;
  for (const reader = stream.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks);
    total += value.byteLength;
    if (total > size) {
      await reader.cancel();
      throw new RangeError("zip");
    }
    chunks.push(value);
  }
}
