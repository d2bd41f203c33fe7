// What the files of a folder or an archive are: whose picture each one is, or why it is not sent.

/**
 * @typedef {object} Item a file before it is sent
 * @property {string} name its path within the folder, with `/`
 * @property {number} size bytes
 * @property {() => Promise<Blob>} read
 */

/**
 * @typedef {object} Plan
 * @property {Map<string, Item[]>} people pictures by external id
 * @property {Map<string, {external_id: string, name?: string, metadata?: object}>} entries by name of the file
 * @property {{item: Item, code: string}[]} skipped
 * @property {Item[]} pictures
 * @property {number} bytes of all pictures
 */

const SUFFIXES = new Set(
  "jpg jpeg jpe jfif mpo png apng webp gif bmp dib tif tiff ppm pgm pbm pnm heic heics heif heifs hif avif avifs".split(" "),
);
const HIDDEN = new Set(["thumbs.db", "desktop.ini", "__macosx", "@eadir"]);
export const MANIFEST = /^manifest\.(csv|ndjson|jsonl)$/;

/** The same rules as the server's `people_folder.place`, for the preview; the server decides. */
function place(name, byFile) {
  const parts = name.split("/").filter(Boolean);
  if (parts.length === 0 || parts.includes("..")) return { code: "unsafe_name" };
  if (parts.some((part) => part.startsWith(".") || HIDDEN.has(part.toLowerCase()))) return { code: "hidden_file" };
  const file = parts.at(-1);
  const dot = file.lastIndexOf(".");
  if (dot > 0 && !SUFFIXES.has(file.slice(dot + 1).toLowerCase())) return { code: "not_a_picture" };
  if (byFile) return { person: (dot > 0 ? file.slice(0, dot) : file).normalize("NFC") };
  if (parts.length !== 2) return { code: parts.length === 1 ? "loose_file" : "nested_file" };
  return { person: parts[0].normalize("NFC") };
}

/** The items without the folder that holds the people's folders, if there is one more around them. */
export function withoutCommonFolder(items) {
  const pictures = items.filter(({ name }) => place(name, true).person !== undefined).map(({ name }) => name.split("/"));
  const first = new Set(pictures.map((parts) => parts[0]));
  const atTop = items.some(({ name }) => MANIFEST.test(name.split("/").slice(1).join("/")));
  if (first.size !== 1 || (!atTop && pictures.some((parts) => parts.length < 3))) return items;
  const folder = `${[...first][0]}/`;
  return items.map((item) => (item.name.startsWith(folder) ? { ...item, name: item.name.slice(folder.length) } : item));
}

/** Whether the files rather than their folders are named after people: a single folder of several pictures. */
export function looksNamedByFile(items) {
  const folders = new Set();
  let pictures = 0;
  for (const { name } of items) {
    if (place(name, true).person === undefined) continue;
    folders.add(name.slice(0, Math.max(0, name.lastIndexOf("/"))));
    pictures += 1;
  }
  return folders.size === 1 && (pictures > 2 || folders.has(""));
}

/**
 * @param {Item[]} items
 * @param {{by: "folder" | "file" | "nobody", manifest: Map<string, object> | null}} options `by`: `people_by` of the import
 * @returns {Plan}
 */
export function plan(items, { by, manifest }) {
  const people = new Map();
  const entries = new Map();
  const skipped = [];
  const pictures = [];
  let bytes = 0;
  for (const item of [...items].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (manifest && MANIFEST.test(item.name)) continue;
    const entry = manifest?.get(item.name.normalize("NFC"));
    const found = manifest
      ? entry
        ? { person: entry.external_id }
        : { code: "not_in_manifest" }
      : place(item.name, by !== "folder");
    if (found.person === undefined) {
      skipped.push({ item, code: found.code });
      continue;
    }
    if (entry) entries.set(item.name, entry);
    if (by !== "nobody") {
      if (!people.has(found.person)) people.set(found.person, []);
      people.get(found.person).push(item);
    }
    pictures.push(item);
    bytes += item.size;
  }
  return { people, entries, skipped, pictures, bytes };
}
