// Chooses the person of the gallery whom a photograph is compared with.

import { faceCrop, nameOf } from "../../components/face-crop/face-crop.js";
import { createPersonPicker } from "../../components/person-picker/person-picker.js";
import { getPerson } from "../../components/recognition/ask.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/**
 * @param {{gallery: string, onChoice: (person: object | null) => void, signal: AbortSignal}} options
 * @returns {{element: HTMLElement, open: () => void, choose: (id: string) => Promise<void>}}
 */
export function createPersonChoice({ gallery, onChoice, signal }) {
  const element = h("div", { class: "card" });
  let isChosen = false;

  function pick() {
    isChosen = false;
    const picker = createPersonPicker({
      gallery,
      label: t("verify.person"),
      onChoose: (person) => {
        draw(person);
        onChoice(person);
        element.querySelector("button").focus();
      },
      signal,
    });
    fill(element, picker.element);
    return picker;
  }
  function draw(person) {
    isChosen = true;
    const other = h("button", { onclick: () => (onChoice(null), pick().focus()) }, t("verify.other_person"));
    fill(
      element,
      h("div", { class: "stack" }, h("h2", {}, nameOf(person)), faceCrop({ gallery, identity: person, size: 112 }), h("div", { class: "actions" }, other)),
    );
  }

  return {
    element,
    /** Offers people, unless one is chosen already. */
    open: () => isChosen || pick(),
    async choose(id) {
      const person = await getPerson(gallery, id, { signal });
      draw(person);
      onChoice(person);
    },
  };
}
