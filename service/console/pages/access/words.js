// What a key allows, in a few words.

import { number } from "../../format.js";
import { t } from "../../texts.js";

export const galleriesOf = ({ galleries }) => (galleries ? galleries.join(", ") : t("access.every_gallery"));

/** Empty: no limit. */
export function limitsOf(key) {
  return ["requests_per_second", "faces_per_second", "max_concurrent"]
    .filter((limit) => key[limit] !== null)
    .map((limit) => t(`access.limit.${limit}`, { value: number(key[limit], Number.isInteger(key[limit]) ? 0 : 2) }))
    .join(", ");
}
