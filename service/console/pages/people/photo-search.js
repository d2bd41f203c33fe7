// Finds people by a photograph: the candidates of each of its faces.

import { path } from "../../api.js";
import { faceCrop, nameOf } from "../../components/face-crop/face-crop.js";
import { scoreScale } from "../../components/match/score-scale.js";
import { qualityLine } from "../../components/match/quality.js";
import { faceCrop as cutFace } from "../../components/photo/crop.js";
import { takeDropped } from "../../components/photo/drop.js";
import { openPhoto } from "../../components/photo/photo.js";
import { photoInput } from "../../components/photo/photo-input.js";
import { identify } from "../../components/recognition/ask.js";
import { errorState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { score } from "../../format.js";
import { icon } from "../../layout/icons.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";

const CANDIDATES = 6;

/**
 * @param {{gallery: string, signal: AbortSignal, open: boolean, setQuery: (changes: object) => void}} options
 * @returns {{button: HTMLElement, element: HTMLElement}}
 */
export function createPhotoSearch({ gallery, signal, open, setQuery }) {
  const result = h("div", { class: "stack", role: "status" });
  const input = photoInput({ title: t("people.photo_drop"), onFiles: ask, signal, small: true });
  const element = h("section", { class: "card stack photo-search", hidden: !open, "aria-label": t("people.by_photo") }, input.element, result);
  const button = h("button", { "aria-expanded": String(open), onclick: () => expand(element.hidden) }, icon("camera"), t("people.by_photo"));
  let asked = null;

  function expand(opened) {
    element.hidden = !opened;
    button.setAttribute("aria-expanded", String(opened));
    setQuery({ photo: opened ? "1" : null });
  }

  async function ask([file]) {
    expand(true);
    asked?.abort();
    const own = (asked = new AbortController());
    const both = AbortSignal.any([signal, own.signal]);
    fill(result, h("p", {}, t("people.photo_searching")));
    try {
      const photo = await openPhoto(file, { signal });
      const answer = await identify(gallery, file, { candidates: CANDIDATES, signal: both });
      fill(result, answer.faces.length ? answer.faces.map((face) => found(photo, face, answer)) : h("p", {}, t("people.photo_no_face")));
    } catch (error) {
      if (error.name !== "AbortError") fill(result, errorState(error, { retry: () => ask([file]) }));
    }
  }

  const found = (photo, face, answer) =>
    h(
      "div",
      { class: "photo-found" },
      h("div", {}, photo.image && cutFace(photo.image, face.landmarks, t("people.photo_face")), qualityLine(face)),
      face.candidates.length
        ? h("ol", { class: "plain photo-candidates" }, face.candidates.map((one) => candidate(one, answer)))
        : h("p", {}, t("people.photo_nobody")),
    );

  function candidate({ identity, face_id: faceId, score: value, matched }, { threshold }) {
    const words = t(matched ? "people.photo_match" : "people.photo_no_match", { score: score(value) });
    return h(
      "li",
      {},
      h(
        "a",
        { class: "person-link", href: link(path`/galleries/${gallery}/people/${identity.id}`) },
        faceCrop({ gallery, identity, face: { id: faceId }, size: 96 }),
        h("span", { class: "person-name" }, nameOf(identity)),
      ),
      scoreScale({ score: value, threshold }),
      h("span", { class: matched ? "badge match" : "badge" }, words),
    );
  }

  takeDropped({
    onFiles: ask,
    onFolder: () => (expand(true), input.setProblem(h("p", { class: "error-line" }, t("photo.folder")))),
    signal,
  });
  return { button, element };
}
