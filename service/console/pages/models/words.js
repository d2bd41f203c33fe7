// What a calibration was measured on, and what models are called, in words.

import { h } from "../../dom.js";
import { number, percent, time } from "../../format.js";
import { t } from "../../texts.js";

const PEOPLE_NEEDED = 100;

/** On what the calibration was measured, and how to get a better one. */
export function measured(calibration, gallery) {
  const { measured: on } = calibration;
  const values = {
    people: t("common.people", { count: on.people ?? 0 }),
    comparisons: number(on.comparisons ?? 0),
    time: on.at && time(on.at),
  };
  return [
    h("p", {}, t(`models.measured_${on.on}`, values)),
    on.suspected_duplicates > 0 && h("p", {}, t("models.suspected", { count: on.suspected_duplicates })),
    on.on !== "gallery" && advice(gallery),
  ];
}

function advice(gallery) {
  if (gallery.identities < PEOPLE_NEEDED) return h("p", { class: "muted" }, t("models.advice_few", { count: gallery.identities }));
  return h("p", {}, t("models.advice"), " ", h("code", {}, `gemel calibrate --gallery ${gallery.name}`), ".");
}

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
