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

const FMR = 0.001;
const MUCH = 2;

/**
 * A sentence if a model misses far more than another by their figures on public photographs; null if not, or unknown.
 * @param {string} from fingerprint
 * @param {string} to fingerprint
 * @param {object[]} models
 */
export function muchWorse(from, to, models) {
  const missesOf = (wanted) => models.find(({ fingerprint }) => fingerprint === wanted)?.figures.find(({ fmr }) => fmr === FMR)?.misses;
  const [before, after] = [missesOf(from), missesOf(to)];
  if (!before || !after || after.interval[0] <= MUCH * before.interval[1]) return null;
  return t("models.much_worse", {
    from: modelName(from, models),
    to: modelName(to, models),
    before: missesInWords(before),
    after: missesInWords(after),
  });
}
