// The answer to a photograph: the picture with its boxes, and beside it a card for each face.

import { announce } from "../../announcer.js";
import { h } from "../../dom.js";
import { score } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { nameOf } from "../face-crop/face-crop.js";
import { tooPoor } from "../match/quality.js";
import { pictureWithBoxes } from "../picture/picture.js";
import { identify } from "./ask.js";
import { faceCard } from "./face-card.js";
import { createMarking } from "./marking.js";

await styles("./answer.css", import.meta.url);

/** The candidate that a face is matched with; undefined where it is nobody. */
export const matchOf = (face) => face.candidates.find((candidate) => candidate.matched);

/** What a face is called that is matched with nobody: a poor picture does not show that the person is not enrolled. */
export const nobody = (face) => t(tooPoor(face) ? "answer.not_trusted" : "answer.unknown");

/** What the box of a face says. */
export function boxOf(face, number) {
  const match = matchOf(face);
  const name = match ? nameOf(match.identity) : nobody(face);
  return {
    box: face.box,
    kind: tooPoor(face) ? "unsure" : match ? "match" : "none",
    label: name,
    detail: match && score(match.score),
    name: match
      ? t("answer.box_match", { number: number + 1, name, score: score(match.score) })
      : t("answer.box_nobody", { number: number + 1, name }),
  };
}

/**
 * Who is in the picture, in words.
 * @param {object} answer
 * @param {({person?: object, not?: object} | null)[]} [said] by the person who looks at it, for each face
 */
export function summary(answer, said = []) {
  const { faces, faces_found: found, gallery_size: size } = answer;
  if (!faces.length) return t("answer.no_face");
  if (size === 0 && !said.some(Boolean)) return t("answer.empty_gallery");
  const certain = faces.map((face, number) => (said[number] ? said[number].person : !tooPoor(face) && matchOf(face)?.identity));
  const people = namesOf(certain.filter((identity) => !identity?.anonymous));
  const unnamed = namesOf(certain.filter((identity) => identity?.anonymous)).size;
  const maybe = namesOf(faces.map((face, number) => !said[number] && tooPoor(face) && matchOf(face)?.identity));
  for (const id of people.keys()) maybe.delete(id);
  const open = faces.filter((face, number) => !said[number] && !matchOf(face));
  const notTrusted = open.filter(tooPoor).length;
  const unknown = open.length - notTrusted;
  const parts = [];
  if (people.size) parts.push(t("answer.this_is", { count: people.size, names: list(people.values()) }));
  if (unnamed) parts.push(t("answer.unnamed", { count: unnamed }));
  if (maybe.size) parts.push(t("answer.this_may_be", { count: maybe.size, names: list(maybe.values()) }));
  for (const one of said) if (one?.not) parts.push(t("answer.disputed", { name: nameOf(one.not) }));
  if (unknown) parts.push(t(parts.length ? "answer.others_unknown" : "answer.nobody", { count: unknown }));
  if (notTrusted) parts.push(t("answer.not_trusted_count", { count: notTrusted }));
  if (found > faces.length) parts.push(t("answer.more_faces", { count: found - faces.length }));
  return parts.join(" ");
}

/** Links to the reasons for the answer, of each gallery. */
const explained = ({ audit_id: id, galleries = [{ audit_id: id }] }) =>
  galleries
    .filter((one) => one.audit_id)
    .map((one) =>
      h("p", {}, h("a", { href: link(`/access/audit/${one.audit_id}`) }, one.gallery ? t("among.explain_in", one) : t("answer.explain"))),
    );

/** By their ids: a mirror shows somebody twice. */
const namesOf = (identities) => new Map(identities.filter(Boolean).map((identity) => [identity.id, nameOf(identity)]));

const list = (names) => new Intl.ListFormat("en-GB").format(names);

/** The faces as one counts them in the picture; `number` is that in the API's answer. */
const leftToRight = (answer) => ({
  ...answer,
  faces: answer.faces.map((face, number) => ({ ...face, number })).sort((a, b) => a.box.x - b.box.x),
});

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {import("../photo/photo.js").Photo} options.photo
 * @param {object} options.answer of `identify`
 * @param {AbortSignal} options.signal
 * @param {((box: object) => Promise<object>) | null} [options.search] searches for the face in a box as the answer was searched for
 * @param {boolean} [options.enrolling] the form that enrols comes first
 * @param {{box: object, answer: object}[]} [options.marked] boxes that somebody drew, with what was found: they are shown, and
 *   those that are drawn from now on are added
 * @returns {HTMLElement}
 */
export function showAnswer({ gallery, photo, answer: asAnswered, signal, search = null, enrolling = false, marked = [] }) {
  const answer = leftToRight(asAnswered);
  const cards = answer.faces.map((_, number) => cardOf(answer, number));
  const list = h("div", { class: "stack" }, cards.map((card) => card.element));
  const picture = pictureWithBoxes(photo.image, {
    ...photo,
    missing: t("photo.not_shown"),
    onChoose: (number) => {
      choose(number);
      cards[number].open();
    },
  });

  function cardOf(of, number, marked = false) {
    const card = faceCard({ gallery, photo, answer: of, number, signal, enrolling, marked, changed: draw });
    card.element.addEventListener("focusin", () => choose(number));
    return card;
  }

  /** A face that somebody drew a box around: it comes after those that were found. */
  async function mark(box) {
    const second = await (search ? search(box) : identify(gallery, photo.blob, { box, signal }));
    marked.push({ box, answer: second });
    addMarked(second);
    draw();
    cards.at(-1).open();
  }

  function addMarked(second) {
    answer.faces.push({ ...second.faces[0], number: 0 });
    answer.faces_found++;
    const number = answer.faces.length - 1;
    cards.push(cardOf({ ...second, faces: [...answer.faces] }, number, true));
    list.append(cards[number].element);
  }

  function choose(number) {
    picture.choose(number);
    for (const [other, card] of cards.entries()) card.element.classList.toggle("chosen", other === number);
  }
  function draw() {
    picture.show(photo.image ? answer.faces.map((face, number) => cards[number].box ?? boxOf(face, number)) : []);
    advice.hidden = answer.faces.length > 0;
    words.textContent = summary(answer, cards.map((card) => card.said));
  }
  const advice = h("p", {}, t(photo.image ? "answer.no_face_draw" : "answer.no_face_advice"));
  const words = h("h2", { class: "answer-words" });
  for (const one of marked) addMarked(one.answer);
  draw();
  announce(words.textContent);
  return h(
    "div",
    { class: "answer" },
    h("div", { class: "answer-picture" }, picture.element, photo.image && createMarking({ picture: picture.element, photo, onBox: mark })),
    h(
      "div",
      { class: "stack" },
      words,
      answer.faces_searched < answer.gallery_size &&
        h("p", { class: "muted" }, t("among.searched", { searched: answer.faces_searched, size: answer.gallery_size })),
      advice,
      list,
      can("audit") && explained(answer),
    ),
  );
}
