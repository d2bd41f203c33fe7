// One face of an answer: who it is, how good it is, its candidates, and what may be done.

import { announce } from "../../announcer.js";
import { fill, h } from "../../dom.js";
import { score } from "../../format.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { attributeList } from "../attributes/values.js";
import { nameOf } from "../face-crop/face-crop.js";
import { answerFor, candidateCard } from "../match/candidate.js";
import { qualityLine, tooPoor } from "../match/quality.js";
import { faceCrop } from "../photo/crop.js";
import { addButton, disputeButton, enrolForm } from "./actions.js";
import { nameForm, unnamedOf } from "./name-form.js";
import { visitorLine } from "./visitor.js";

/** A dispute is about one of the first two candidates. */
const DISPUTABLE = 2;
/** With more faces than these, each is one line until it is opened. */
const SHOWN_OPEN = 2;

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {import("../photo/photo.js").Photo} options.photo
 * @param {object} options.answer
 * @param {number} options.number of the face in the answer
 * @param {AbortSignal} options.signal
 * @param {boolean} options.enrolling whether somebody came to enrol the person: the form for somebody new comes first
 * @param {boolean} options.marked whether somebody drew its box
 * @param {() => void} options.changed called when `box` has changed
 * @returns {{element: HTMLElement, box: object | null, said: object | null, open: () => void}}
 *   `box`: what the box in the picture says instead; `said`: who it is or is not, by the person who looks at it
 */
export function faceCard({ gallery, photo, answer, number, signal, enrolling, marked, changed }) {
  const face = answer.faces[number];
  const [first, ...others] = face.candidates;
  const card = { element: null, box: null, said: null, open: null };
  const status = h("span", { class: "badge", hidden: true });
  const context = { gallery, photo, answer, number, signal, marked, note };

  /** Says what was done with this face, and gives its box and its card the person's name; null takes both back. */
  function note(text, said = null) {
    status.hidden = text === null;
    fill(status, text);
    if (text !== null) announce(text);
    const label = said && (said.person ? nameOf(said.person) : t("answer.not_name", { name: nameOf(said.not) }));
    card.said = said;
    card.box = said && { box: face.box, kind: said.person ? "match" : "unsure", label, name: label };
    fill(title, said ? t("answer.face", { number: number + 1, name: label }) : heading(face, number));
    card.element.classList.toggle("settled", Boolean(said?.person)); // nothing is left to be done with this face
    card.element.classList.toggle("disputed", Boolean(said?.not));
    changed();
  }

  const candidate = (one, place) =>
    candidateCard({
      gallery,
      candidate: one,
      answer,
      probe: crop(),
      actions: [
        one.matched && place < DISPUTABLE && answerFor(one, answer).audit_id && can("identify") && disputeButton(context, one),
        can("enrol") && addButton(context, one),
      ],
    });
  const crop = () => photo.image && faceCrop(photo.image, face.landmarks, t("answer.crop", { number: number + 1 }));
  const more = h("div", { class: "stack" });
  const showOthers = () => more.append(...others.splice(0).map((one, i) => candidate(one, i + 1))); // asks for their crops
  const unknown = !face.candidates.some((one) => one.matched);

  const fillBody = () => {
    if (body.childElementCount) return; // canvases and crops of many faces are made when they are looked at
    const unnamed = can("enrol") ? unnamedOf(face) : null;
    const naming = unnamed && nameForm(context, unnamed);
    const remembered = unknown && unnamed; // who was stored a moment ago gets a name; a second person would be a duplicate
    const form = can("enrol") && !remembered && enrolForm(context, { open: unknown && (enrolling || !tooPoor(face)) });
    const formFirst = enrolling && unknown;
    fill(
      body,
      qualityLine(face),
      attributeList(face.attributes),
      visitorLine(gallery, face),
      formFirst && form,
      remembered && naming,
      first ? candidate(first, 0) : crop(),
      !remembered && naming,
      others.length > 0 &&
        h("details", { ontoggle: showOthers }, h("summary", {}, t("answer.further", { count: others.length })), more),
      !formFirst && form,
    );
  };
  const body = h("div", { class: "face-body" });
  const title = h("h3", {}, heading(face, number));
  const summary = h("summary", {}, crop(), title, status);
  const open = answer.faces.length <= SHOWN_OPEN;
  if (open) fillBody();
  card.element = h("details", { class: "card face-card", open, ontoggle: () => card.element.open && fillBody() }, summary, body);
  card.open = () => {
    card.element.open = true;
    summary.focus({ preventScroll: true });
    card.element.scrollIntoView({ block: "nearest" });
  };
  return card;
}

function heading(face, number) {
  const match = face.candidates.find((one) => one.matched);
  const name = match ? `${nameOf(match.identity)} ${score(match.score)}` : t(tooPoor(face) ? "answer.not_trusted" : "answer.unknown");
  return t("answer.face", { number: number + 1, name });
}
