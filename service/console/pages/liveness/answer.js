// The verdict of a burst in words, why it is so, and what helps; then each frame with its evidence.

import { attributeReason } from "../../components/attributes/values.js";
import { h } from "../../dom.js";
import { number, percent, score } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { inOrder, movementName, reasonInWords } from "./words.js";

const LOOK = { live: "match", attack: "danger", cannot_tell: "unsure" };

/**
 * @param {{answer: object, frames: import("./capture.js").Frame[], signal: AbortSignal}} options `frames`: those that
 *   were sent; empty where the browser cannot show them
 * @returns {HTMLElement}
 */
export function showAnswer({ answer, frames, signal }) {
  const { verdict, reasons, audit_id: event } = answer;
  return h(
    "section",
    { class: "stack", "aria-labelledby": "liveness-verdict" },
    h(
      "div",
      { class: `card stack liveness-verdict ${LOOK[verdict]}` },
      h("h2", { id: "liveness-verdict" }, t(`liveness.verdicts.${verdict}`)),
      h("p", {}, t(`liveness.means.${verdict}`)),
      reasons.length > 0 && h("ul", { class: "plain stack" }, reasons.map(reasonItem)),
      h("dl", {}, figures(answer)),
      event && can("audit") && h("p", {}, h("a", { href: link(`/access/audit/${event}`) }, t("liveness.event"))),
    ),
    h("h2", {}, t("liveness.frames")),
    h("ol", { class: "plain liveness-frames" }, answer.frames.map((found, place) => h("li", {}, frameCard(found, frames[place], place, signal)))),
  );
}

function reasonItem(reason) {
  const { what, todo } = reasonInWords(reason);
  return h("li", {}, h("strong", {}, what), todo && h("p", {}, todo));
}

function figures({ live, worst, same_person: same, distinct_frames: distinct, frames, challenge }) {
  return [
    row("mean", live === null ? t("common.none") : percent(live)),
    row("worst", worst === null ? t("common.none") : percent(worst)),
    same && row("same", t("liveness.same", { score: score(same.score), threshold: score(same.threshold) })),
    row("distinct", t("liveness.distinct", { count: distinct, all: frames.length })),
    challenge && row("requested", inOrder(challenge.requested)),
    challenge && row("shown", challenge.shown === null ? t("liveness.not_frontal") : inOrder(challenge.shown)),
  ];
}

const row = (name, value) => [h("dt", {}, t(`liveness.figures.${name}`)), h("dd", {}, value)];

function frameCard(found, frame, place, signal) {
  const title = t("liveness.frame", { number: place + 1 });
  return h(
    "figure",
    { class: "card" },
    frame && picture(frame.blob, title, signal),
    h("figcaption", {}, h("h3", {}, title), frame?.what && h("p", { class: "muted" }, movementName(frame.what)),
      known(found.at_ms) && h("p", { class: "muted" }, t("liveness.at", { seconds: number(found.at_ms / 1000, 1) })), h("ul", { class: "plain" }, evidence(found).map((words) => h("li", {}, words)))),
  );
}

function picture(blob, alt, signal) {
  const src = URL.createObjectURL(blob);
  signal.addEventListener("abort", () => URL.revokeObjectURL(src), { once: true });
  return h("img", { src, alt });
}

/** @returns {string[]} what a frame says */
function evidence({ faces_found: faces, live, cannot_tell: why, yaw, pitch, size, eyes_closed: closed }) {
  if (faces !== 1 && live === null && !why) return [t("liveness.faces", { count: faces })];
  const turned = (angle, positive, negative) => t(`liveness.angles.${angle >= 0 ? positive : negative}`, { degrees: number(Math.abs(angle)) });
  return [
    live === null ? t("liveness.not_judged", { why: attributeReason(why) }) : t("liveness.person", { share: percent(live) }),
    known(yaw) && turned(yaw, "left", "right"),
    known(pitch) && turned(pitch, "down", "up"),
    known(size) && t("liveness.size", { share: percent(size) }),
    known(closed) && t("liveness.eyes_closed", { share: percent(closed) }),
  ].filter(Boolean);
}

const known = (value) => value !== null && value !== undefined;
