// What was estimated of a face, in words: values with their confidence, or why there is none.

import { h } from "../../dom.js";
import { number, percent } from "../../format.js";
import { styles } from "../../styles.js";
import { has, t } from "../../texts.js";
import { adviceWord } from "../match/advice.js";

await styles("./attributes.css", import.meta.url);

/**
 * @param {Record<string, object>} attributes of a face in an answer, by name
 * @returns {HTMLElement | null} null where nothing was asked for
 */
export function attributeList(attributes) {
  const all = Object.entries(attributes ?? {});
  if (all.length === 0) return null;
  return h("dl", { class: "attribute-values" }, all.map(([name, estimate]) => [h("dt", {}, nameOf(name)), h("dd", {}, inWords(name, estimate))]));
}

const nameOf = (name) => (has(`attributes.names.${name}`) ? t(`attributes.names.${name}`) : plain(name));

/** The API's own word, where there is no other. */
const plain = (word) => String(word).replaceAll("_", " ");

/** Why there is no value, by the word of the API. */
export const attributeReason = (why) => (has(`attributes.why.${why}`) ? t(`attributes.why.${why}`) : plain(why));

export function inWords(name, { value, confidence, cannot_tell: why, unit, interval }) {
  if (value === null) return t("attributes.cannot_tell", { why: attributeReason(why) });
  const words = valueInWords(name, value, unit);
  if (interval) return t("attributes.between", { value: words, low: number(interval[0]), high: number(interval[1]) });
  return confidence === null ? words : t("attributes.confident", { value: words, share: percent(confidence) });
}

function valueInWords(name, value, unit) {
  if (typeof value === "number") return [number(value), unit && plain(unit)].filter(Boolean).join(" ");
  const ofValue = (one) => (has(`attributes.values.${name}.${one}`) ? t(`attributes.values.${name}.${one}`) : plain(one));
  const word = name === "quality" ? adviceWord : ofValue;
  if (!Array.isArray(value)) return word(value);
  return value.length === 0 ? t("attributes.nothing") : value.map(word).join(", ");
}
