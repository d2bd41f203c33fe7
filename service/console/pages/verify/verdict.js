// The answer of a comparison in words, its score on the scale and on the calibration's curve.

import { announce } from "../../announcer.js";
import { get, path } from "../../api.js";
import { attributeList } from "../../components/attributes/values.js";
import { createCurve } from "../../components/curve/curve.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { enrolledCrop } from "../../components/match/candidate.js";
import { qualityInWords } from "../../components/match/quality.js";
import { scoreScale } from "../../components/match/score-scale.js";
import { faceCrop } from "../../components/photo/crop.js";
import { h } from "../../dom.js";
import { number, score } from "../../format.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createParts } from "./parts.js";

/**
 * @param {{gallery: string, answer: object, person: object | null, photos: object[], signal: AbortSignal}} options
 *   `person`: whom the picture was compared with; null for two pictures
 */
export async function showVerdict({ gallery, answer, person, photos, signal }) {
  const name = person && nameOf(person);
  const verdict = verdictInWords(answer, name);
  announce(verdict);
  const crops = photos.map((photo, i) => photo.image && faceCrop(photo.image, answer.faces[i].landmarks, t("answer.crop", { number: i + 1 })));
  if (person) crops.push(enrolledCrop(gallery, person.id, answer.face_id, t("match.enrolled_crop", { name })));
  return h(
    "section",
    { class: "card verdict", "aria-labelledby": "verdict-words" },
    h("div", { class: "crops" }, crops),
    h(
      "div",
      { class: "stack" },
      h("h2", { id: "verdict-words" }, verdict),
      scoreScale(answer),
      h("p", {}, t("verify.score", { score: score(answer.score), threshold: score(answer.threshold), pairs: perPair(answer.estimated_fmr) })),
      h("p", {}, shareInWords(answer)),
      answer.faces.map((face, i) => qualityNote(face, i)),
      answer.faces.map((face, i) => attributesOf(face, i, answer.faces.length > 1)),
      !person && createParts({ photos, signal }),
      await curve(gallery, answer, signal),
    ),
  );
}

function verdictInWords({ matched, score: value, threshold }, name) {
  const kind = matched ? "same" : threshold - value < 0.1 ? "unsure" : "different";
  return name ? t(`verify.${kind}_as`, { name }) : t(`verify.${kind}`);
}

/** "One pair of strangers in 1,000 scores this high." */
export function shareInWords({ score_fmr: share, score_fmr_trusted: trusted }) {
  if (share >= 0.5) return t("verify.share_most");
  return t(trusted ? "verify.share" : "verify.share_less", { pairs: perPair(share) });
}

/** In how many pairs of strangers there is one, to two digits. */
const perPair = (share) => number(Number((1 / share).toPrecision(2)));

function qualityNote(face, i) {
  const { level, text } = qualityInWords(face.quality);
  const several = face.faces_found > 1 ? t("verify.several", { number: i + 1, count: face.faces_found }) : null;
  return [level !== "good" && h("p", { class: `quality ${level}` }, t("verify.quality", { number: i + 1, text })), several && h("p", {}, several)];
}

function attributesOf(face, i, several) {
  const list = attributeList(face.attributes);
  return list && several ? [h("h3", {}, t(i === 0 ? "verify.first" : "verify.second")), list] : list;
}

/** Nothing where the role may not read it, or where the gallery has another model than the comparison. */
async function curve(gallery, answer, signal) {
  if (!can("read")) return null;
  try {
    const calibration = await get(path`v1/galleries/${gallery}/calibration`, { signal });
    if (calibration.model !== answer.model) return null;
    const mark = { score: answer.score, label: t("verify.this_pair", { score: score(answer.score) }) };
    return createCurve({ calibration, lines: ["fmr", "misses"], threshold: answer.threshold, mark }).element;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null; // the answer stands without it
  }
}
