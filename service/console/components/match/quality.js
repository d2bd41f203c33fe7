// Says in words how far a face can be trusted, from the API's figures.

import { h } from "../../dom.js";
import { percent } from "../../format.js";
import { t } from "../../texts.js";
import { adviceInWords } from "./advice.js";

const COMPONENTS = ["size", "sharpness", "exposure", "pose"];
/** The components are 0 to 100: below this one, the server too names it as the cause of a rejection. */
const WEAK = 50;
const VERY_WEAK = 15;
const OFTEN_MISSED = 0.5;

/**
 * @param {Record<string, number | null>} quality of a face in an answer
 * @param {string | null} [unmatchedReason]
 * @returns {{level: "good" | "weak" | "bad", text: string}} `bad`: the answer for this face is not to be trusted
 */
export function qualityInWords(quality, unmatchedReason = null) {
  if (unmatchedReason) return { level: "bad", text: t(`quality.unmatched.${unmatchedReason}`) };
  const weak = COMPONENTS.filter((name) => quality[name] < WEAK).sort((a, b) => quality[a] - quality[b]);
  const causes = weak.map((name) => t(`quality.${quality[name] < VERY_WEAK ? "very" : "rather"}.${name}`)).join(", ");
  const missed = quality.expected_miss_rate;
  if (missed !== null && missed !== undefined && missed >= OFTEN_MISSED) {
    const text = t("quality.often_missed", { share: percent(missed) });
    return { level: "bad", text: causes ? t("quality.because", { text, causes }) : text };
  }
  if (!weak.length) return { level: "good", text: t("quality.good") };
  const bad = quality[weak[0]] < VERY_WEAK;
  return { level: bad ? "bad" : "weak", text: t(bad ? "quality.bad" : "quality.weak", { causes }) };
}

/** Whether an answer for this face is not to be trusted. @param {object} face of an answer */
export const tooPoor = (face) => qualityInWords(face.quality, face.unmatched_reason).level === "bad";

/**
 * The words as a line under a face, and what would help if it is not good. What would help is no way out for a print.
 * @param {{quality: object, unmatched_reason?: string | null, advice?: string[]}} face of an answer, or enrolled
 */
export function qualityLine({ quality, unmatched_reason: reason = null, advice = [] }) {
  const { level, text } = qualityInWords(quality, reason);
  const help = level === "good" || reason === "not_live" ? "" : adviceInWords(advice);
  return h("p", { class: `quality ${level}` }, text, help && [". ", h("span", {}, help)]);
}
