// Reads a manifest beside pictures: CSV with a header, or a JSON object a line.

/**
 * @param {string} name
 * @param {string} text
 * @returns {Map<string, {external_id: string, name?: string, metadata?: object}>} by name of the file
 * @throws {SyntaxError} whose message is for people
 */
export function readManifest(name, text) {
  const lines = name.endsWith(".csv") ? csvObjects(text) : text.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
  const entries = new Map();
  for (const { file, external_id, name: person, metadata, ...more } of lines) {
    if (!file || !external_id) continue;
    const entry = { external_id: String(external_id), metadata: metadata ?? filled(more) };
    if (person) entry.name = person;
    entries.set(String(file).replaceAll("\\", "/").replace(/^\.\//, "").normalize("NFC"), entry);
  }
  if (entries.size === 0) throw new SyntaxError(name);
  return entries;
}

const filled = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value));

function csvObjects(text) {
  const [header = [], ...rows] = csvRows(text.replace(/^\ufeff/, ""));
  return rows.map((row) => Object.fromEntries(header.map((name, i) => [name, row[i] ?? ""])));
}

/** RFC 4180: fields in quotes may hold commas, line ends and doubled quotes. */
function csvRows(text) {
  const rows = [];
  let row = [];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/gy;
  while (pattern.lastIndex < text.length) {
    const found = pattern.exec(text);
    if (found === null) throw new SyntaxError("manifest.csv");
    row.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] !== ",") {
      rows.push(row);
      row = [];
    }
  }
  if (row.length > 0) rows.push(row);
  return rows.filter((fields) => fields.some(Boolean));
}
