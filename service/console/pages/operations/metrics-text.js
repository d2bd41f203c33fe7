// Reads what `/metrics` answers: Prometheus' text format.

/** @typedef {{name: string, labels: Record<string, string>, value: number}} Sample */

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const ESCAPED = { "\\n": "\n", '\\"': '"', "\\\\": "\\" };

/**
 * @param {string} text
 * @returns {Sample[]} comments and lines that are not understood are left out
 */
export function parse(text) {
  const samples = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#")) continue;
    const found = LINE.exec(line);
    if (!found) continue;
    const value = number(found[3]);
    if (Number.isNaN(value)) continue;
    const labels = {};
    for (const [, label, text] of (found[2] ?? "").matchAll(LABEL)) {
      labels[label] = text.replace(/\\[n"\\]/g, (escape) => ESCAPED[escape]);
    }
    samples.push({ name: found[1], labels, value });
  }
  return samples;
}

const number = (text) => (text === "+Inf" ? Infinity : text === "-Inf" ? -Infinity : Number(text));

/**
 * The sums of a metric, by one of its labels.
 * @param {Sample[]} samples
 * @param {string} name
 * @param {string | ((labels: Record<string, string>) => string | null)} by a label's name, or what gives the key;
 *   null leaves the sample out
 * @returns {Map<string, number>}
 */
export function sums(samples, name, by) {
  const found = new Map();
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const key = typeof by === "string" ? sample.labels[by] : by(sample.labels);
    if (key !== null && key !== undefined) found.set(key, (found.get(key) ?? 0) + sample.value);
  }
  return found;
}
