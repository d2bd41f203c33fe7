// Finds the words for a key. All words are in `texts/en.js`; a translation is a second file like it.

import en from "./texts/en.js";

const language = "en";
const plurals = new Intl.PluralRules(language);

/**
 * `t("people.count", { count: 3 })`: `{name}` in the text is replaced by the value of that name, numbers as the
 * language writes them. A text may be `{ one: ..., other: ... }`: `count` chooses.
 * @param {string} key
 * @param {Record<string, any>} [values]
 */
export function t(key, values = {}) {
  const found = lookup(key);
  if (found === undefined) throw new Error(`no text for ${key}`);
  const text = typeof found === "string" ? found : (found[plurals.select(values.count)] ?? found.other);
  return text.replace(/\{(\w+)\}/g, (_, name) => shown(values[name]));
}

/** Whether there is such a text. */
export const has = (key) => lookup(key) !== undefined;

function lookup(key) {
  return key.split(".").reduce((node, part) => (Object.hasOwn(node ?? {}, part) ? node[part] : undefined), en);
}

function shown(value) {
  return typeof value === "number" ? value.toLocaleString(language) : String(value ?? "");
}
