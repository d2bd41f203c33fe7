// A person whom a face resembles: both faces side by side, the score on its scale, what may be done.

import { path } from "../../api.js";
import { h } from "../../dom.js";
import { number, score as written } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { faceCrop, nameOf } from "../face-crop/face-crop.js";
import { scoreScale } from "./score-scale.js";

await styles("./candidate.css", import.meta.url);

/** Threshold and event of the gallery that a candidate is of, where several were searched. */
export const answerFor = ({ gallery }, answer) => answer.galleries?.find((one) => one.gallery === gallery) ?? answer;

/** The stored crop of an enrolled face. */
export const enrolledCrop = (gallery, identityId, faceId, alt) =>
  faceCrop({ gallery, identity: { id: identityId }, face: { id: faceId }, size: 112, alt });

/** "Score 0.720; the threshold is 0.310: at most one false alarm in 100 searches." */
export function scoreInWords({ score }, answer) {
  if (score < answer.threshold) return t("match.score_words_below", { score: written(score), threshold: written(answer.threshold) });
  const key = answer.fpir_trusted ? "match.score_words" : "match.score_words_extrapolated";
  return t(key, { score: written(score), threshold: written(answer.threshold), searches: perAlarm(answer.estimated_fpir) });
}

/** How many searches of strangers have one false alarm, to two digits. */
const perAlarm = (rate) => number(Number((1 / rate).toPrecision(2)));

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {object} options.candidate of the answer
 * @param {object} options.answer the whole answer of `identify`
 * @param {HTMLElement | null} options.probe the crop of the photograph; null where it cannot be shown
 * @param {any} [options.actions] buttons
 * @param {any} [options.enrolled] the crop of the enrolled face, if it is there already
 * @param {number} [options.level] of the heading
 * @returns {HTMLElement}
 */
export function candidateCard({ gallery: ofPage, candidate, answer: all, probe, actions, enrolled, level = 4 }) {
  const gallery = candidate.gallery ?? ofPage;
  const answer = answerFor(candidate, all);
  const { identity, matched, face_id: faceId, disputed, metadata } = candidate;
  const name = nameOf(identity);
  const label = t("match.enrolled_crop", { name });
  const personLink = can("read")
    ? h("a", { href: link(path`/galleries/${gallery}/people/${identity.id}`) }, name)
    : name;
  return h(
    "article",
    { class: "candidate" },
    h(
      "div",
      { class: "crops" },
      probe && h("figure", {}, probe, h("figcaption", {}, t("match.this_picture"))),
      can("read") &&
        h("figure", {}, enrolled ?? enrolledCrop(gallery, identity.id, faceId, label), h("figcaption", {}, t("match.enrolled"))),
    ),
    h(
      "div",
      { class: "candidate-words" },
      h(`h${level}`, {}, personLink, " ", badge(matched)),
      candidate.gallery && h("p", { class: "muted" }, t("among.in_gallery", { gallery })),
      identity.anonymous || !Object.keys(metadata ?? {}).length ? null : h("p", { class: "muted" }, inOneLine(metadata)),
      scoreScale({ score: candidate.score, threshold: answer.threshold }),
      h("p", {}, scoreInWords(candidate, answer)),
      disputed > 0 && h("p", { class: "muted" }, t("match.disputed", { count: disputed })),
      actions && h("div", { class: "actions" }, actions),
    ),
  );
}

const inOneLine = (metadata) =>
  Object.entries(metadata)
    .map(([field, value]) => `${field}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");

const badge = (matched) =>
  matched ? h("span", { class: "badge match" }, t("match.match")) : h("span", { class: "badge" }, t("match.no_match"));
