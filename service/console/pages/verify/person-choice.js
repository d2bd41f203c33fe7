// Chooses a person of the gallery by name.

import { enrolledCrop, nameOf } from "../../components/match/candidate.js";
import { findPeople, getPerson } from "../../components/recognition/ask.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

const TYPING_MS = 200;

/**
 * @param {{gallery: string, onChoice: (person: object | null) => void, signal: AbortSignal}} options
 * @returns {{element: HTMLElement, open: () => void, choose: (id: string) => Promise<void>}}
 */
export function createPersonChoice({ gallery, onChoice, signal }) {
  const field = h("input", { id: "verify-person", type: "search", autocomplete: "off", oninput: search });
  const found = h("ul", { class: "plain people-found", "aria-label": t("verify.found") });
  const problem = h("div", { role: "status" });
  const chooser = h("div", { class: "stack" }, h("div", { class: "field" }, h("label", { for: "verify-person" }, t("verify.person")), field), problem, found);
  const element = h("div", { class: "card" }, chooser);
  let timer = 0;
  let asked = null;
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });

  function search() {
    clearTimeout(timer);
    timer = setTimeout(ask, TYPING_MS);
  }
  async function ask() {
    asked?.abort();
    asked = new AbortController();
    fill(problem);
    try {
      const { identities } = await findPeople(gallery, field.value.trim(), { signal: AbortSignal.any([signal, asked.signal]) });
      fill(found, identities.map((person) => h("li", {}, button(person))));
      if (!identities.length) fill(problem, h("p", {}, t("verify.nobody_found")));
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }
  const button = (person) =>
    h("button", { onclick: () => (draw(person), onChoice(person), element.querySelector("button")?.focus()) }, crop(person), nameOf(person));

  const crop = (person) => person.faces[0] && enrolledCrop(gallery, person.id, person.faces[0].id, "");

  function draw(person) {
    const other = h("button", { onclick: () => (fill(element, chooser), onChoice(null), field.focus()) }, t("verify.other_person"));
    fill(element, h("div", { class: "stack" }, h("h2", {}, nameOf(person)), crop(person), h("div", { class: "actions" }, other)));
  }

  return {
    element,
    /** Shows the first people: the field may stay empty. */
    open: () => found.childElementCount || ask(),
    async choose(id) {
      const person = await getPerson(gallery, id, { signal });
      draw(person);
      onChoice(person);
    },
  };
}
