// The two people of a review, side by side, and their score in words.

import { path } from "../../api.js";
import { cropAddress, faceCrop, nameOf } from "../../components/face-crop/face-crop.js";
import { scoreScale } from "../../components/match/score-scale.js";
import { h } from "../../dom.js";
import { score, time } from "../../format.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";

const LARGE_PX = 300;
const SMALL_PX = 64;
const MOST_SMALL = 5;
/** Above the threshold by so much, people are rarely different. */
const CLEAR = 0.15;

/** @param {any} review as the API shows it */
export const showPair = (gallery, review) =>
  h(
    "section",
    { class: "stack", "aria-label": t("reviews.pair") },
    h("div", { class: "review-pair" }, person(gallery, review.identity), person(gallery, review.other)),
    h(
      "div",
      { class: "review-score" },
      h("p", {}, words(review)),
      scoreScale({ score: review.score, threshold: review.threshold }),
      h("p", { class: "muted" }, t(`reviews.kind_${review.kind}`, { time: time(review.created_at) })),
    ),
  );

function person(gallery, identity) {
  if (!identity) return h("p", {}, t("reviews.gone"));
  const name = nameOf(identity);
  const others = identity.faces.slice(1, 1 + MOST_SMALL);
  const facts = [identity.name && identity.external_id, t("common.faces", { count: identity.faces_total }), t("reviews.since", { time: time(identity.created_at) })];
  return h(
    "article",
    { class: "card review-person" },
    faceCrop({ gallery, identity, size: LARGE_PX, alt: t("reviews.face_of", { name }), wide: true }),
    h("h2", {}, h("a", { href: link(path`/galleries/${gallery}/people/${identity.id}`) }, name)),
    h("p", { class: "muted" }, facts.filter(Boolean).join(" · ")),
    h("div", { class: "review-others" }, others.map((face) => faceCrop({ gallery, identity, face, size: SMALL_PX, alt: t("reviews.face_of", { name }) }))),
  );
}

function words({ score: value, threshold }) {
  const key = value - threshold >= CLEAR ? "reviews.score_clear" : "reviews.score_close";
  return t(key, { score: score(value), threshold: score(threshold) });
}

/** Has the browser load the large pictures of reviews that come next. */
export function preload(gallery, reviews) {
  for (const { identity, other } of reviews) {
    for (const one of [identity, other]) {
      if (one?.faces[0]) new Image().src = cropAddress(gallery, one.id, one.faces[0].id, LARGE_PX);
    }
  }
}
