// Who was enrolled so far, with the way back.

import { faceCrop, nameOf } from "../../components/face-crop/face-crop.js";
import { removePerson } from "../../components/recognition/ask.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { patch, path } from "../../api.js";
import { t } from "../../texts.js";

/** @param {{onChange: () => void, signal: AbortSignal}} options */
export function createEnrolled({ onChange, signal }) {
  const people = [];
  const element = h("ul", { class: "plain try-enrolled", "aria-label": t("try.enrolled_people") });

  function row(entry) {
    const { gallery, person } = entry;
    const problem = h("div");
    const fail = (error) => error.name !== "AbortError" && fill(problem, errorLine(error));
    const id = `try-name-${person.id}`;
    const name = h("input", {
      id,
      value: person.name ?? "",
      maxlength: 255,
      onchange: () => {
        fill(problem);
        const text = name.value.trim();
        patch(path`v1/galleries/${gallery}/identities/${person.id}`, { json: { name: text || null }, signal }).then((changed) => (person.name = changed.name), fail);
      },
    });
    const remove = h("button", { "aria-label": t("try.remove_person", { name: nameOf(person) }), onclick: () => removePerson(gallery, person.id).then(() => take(entry), fail) }, t("common.delete"));
    return h("li", {}, faceCrop({ gallery, identity: person, size: 72 }), h("div", { class: "field" }, h("label", { for: id }, t("answer.name")), name), remove, problem);
  }
  function take(entry) {
    people.splice(people.indexOf(entry), 1);
    entry.element.remove();
    onChange();
  }

  return {
    element,
    add(entry) {
      people.push(entry);
      entry.element = row(entry);
      element.append(entry.element);
      onChange();
    },
    count: () => people.length,
    lastName: () => nameOf(people.at(-1).person),
    sampleIds: () => people.map(({ sampleId }) => sampleId).filter(Boolean),
  };
}
