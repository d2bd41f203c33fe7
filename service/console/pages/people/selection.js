// The people who are selected in the grid, and what can be done with them.

import { path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { openMerge } from "../../components/merge/merge.js";
import { createSelectionBar } from "../../components/selection-bar/selection-bar.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {{gallery: string, hiding: object, signal: AbortSignal, onChange: () => void, onDone: () => void}} options
 *   `onDone`: people were merged, or the merge was undone
 */
export function createSelection({ gallery, hiding, signal, onChange, onDone }) {
  /** @type {Map<string, any>} */
  const chosen = new Map();
  const merge = h("button", { class: "primary", onclick: openDialog }, t("people.merge"));
  const hide = h("button", { onclick: () => whileDisabled(hide, () => hiding.hide([...chosen.values()])).then(() => set([])) }, hiding.title);
  const clear = h("button", { onclick: () => set([]) }, t("people.clear"));
  const bar = createSelectionBar({ actions: [merge, hide, clear] });

  function set(people) {
    chosen.clear();
    for (const person of people) chosen.set(person.id, person);
    bar.show(chosen.size, t("people.selected", { count: chosen.size }));
    merge.disabled = chosen.size !== 2;
    fill(merge, t(chosen.size > 2 ? "people.merge_two" : "people.merge"));
    onChange();
  }

  function openDialog() {
    const [one, other] = chosen.values();
    openMerge({
      gallery,
      one,
      other,
      signal,
      onMerged: (change) => {
        set([]);
        onDone();
        toast(t("merge.done", { name: nameOf(change.identity) }), {
          undo: async () => {
            await post(path`v1/galleries/${gallery}/people-changes/${change.id}/undo`);
            onDone();
          },
        });
      },
    });
  }

  return {
    element: bar.element,
    allowed: can("enrol"),
    has: (id) => chosen.has(id),
    toggle(person) {
      const people = [...chosen.values()].filter((one) => one.id !== person.id);
      set(chosen.has(person.id) ? people : [...people, person]);
    },
  };
}
