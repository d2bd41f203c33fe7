// Adds photographs of a person, and says of each that was rejected why.

import { takeDropped } from "../../components/photo/drop.js";
import { photoInput } from "../../components/photo/photo-input.js";
import { errorOf } from "../../components/recognition/actions.js";
import { addFace, removeFace } from "../../components/recognition/ask.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/** @param {{gallery: string, id: string, signal: AbortSignal, onAdded: () => void}} options */
export function createAdding({ gallery, id, signal, onAdded }) {
  const result = h("ul", { class: "plain stack" });
  const input = photoInput({ title: t("person.add_drop"), onFiles: add, signal, several: true, small: true });
  takeDropped({ onFiles: add, onFolder: () => input.setProblem(h("p", { class: "error-line" }, t("photo.folder"))), signal });

  async function add(files) {
    const added = [];
    input.setProblem(null);
    fill(result, h("li", { role: "status" }, t("person.adding", { count: files.length })));
    const notes = [];
    for (const file of files) {
      try {
        const answer = await addFace(gallery, id, file, { signal });
        added.push(...answer.faces.map((face) => face.id));
        for (const warning of answer.warnings) notes.push(note(file, h("p", {}, warning.message)));
      } catch (error) {
        if (error.name === "AbortError") return;
        notes.push(note(file, errorOf(error)));
      }
    }
    fill(result, notes);
    if (added.length === 0) return;
    toast(t("person.added", { count: added.length }), {
      undo: async () => {
        for (const face of added) await removeFace(gallery, id, face);
        if (!signal.aborted) onAdded();
      },
    });
    onAdded();
  }

  const note = (file, words) => h("li", { class: "notice" }, file.name && h("strong", {}, file.name), words);

  return h("section", { class: "stack", "aria-label": t("person.add") }, h("h2", {}, t("person.add")), input.element, result);
}
