// What models are called, and what they miss, in words.

import { percent } from "../../format.js";
import { t } from "../../texts.js";

/** `sface` of `sface-b361132cfca1`, with the fingerprint's digits left out. */
export const modelName = (fingerprint, models = []) =>
  models.find((model) => model.fingerprint === fingerprint)?.name ?? fingerprint.replace(/-[0-9a-f]{12}$/, "");

/** A share of misses: `4 %`, or what is known of it. */
export function missesInWords(misses) {
  if (!misses) return t("models.misses_unknown");
  const [low, high] = misses.interval;
  if (misses.source === "gallery") return percent(misses.rate);
  return low === 0 ? t("models.misses_at_most", { share: percent(high) }) : t("models.misses_about", { share: percent(misses.rate) });
}
