// Names somebody whom nobody has named: by a new name, or as a person who has one. Each is undone by its message.

import { get, patch, path, post } from "../../api.js";
import { h } from "../../dom.js";
import { inWords } from "../../problem.js";
import { t } from "../../texts.js";
import { nameOf } from "../face-crop/face-crop.js";
import { personLine } from "../person-picker/person-picker.js";
import { toast } from "../toast/toast.js";

const MOST = 5;
const TYPING_MS = 150;
const HAS_WORD = /[\p{L}\p{N}]/u; // the server finds nothing else

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {ReturnType<import("./suggestions.js").createSuggestions>} options.suggestions of the page
 * @param {AbortSignal} options.signal
 * @param {string} [options.id] of the field, where it has a label
 * @param {(person: any, named: any) => void} options.onNamed `named`: the person as it is now; the one with whom it was merged
 * @param {(person: any) => void} options.onUndone
 * @param {() => void} [options.onSkip] Enter without a name
 * @returns {{field: HTMLInputElement, show: (person: any) => void}}
 */
export function createNaming({ gallery, suggestions, signal, id, onNamed, onUndone, onSkip }) {
  const people = path`v1/galleries/${gallery}/identities`;
  let person = null;
  let timer = 0;
  /** @type {{typed: string, known: any[]} | null} who has such a name, by the last search */
  let found = null;
  let asked = null;
  let busy = false;

  const field = h("input", {
    id,
    class: "naming",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: 255,
    placeholder: t("naming.add"),
    oninput: () => ((found = null), clearTimeout(timer), (timer = setTimeout(search, TYPING_MS))),
    onkeydown,
    onblur: () => (clearTimeout(timer), suggestions.isFor(field) && suggestions.hide()),
  });

  function onkeydown(event) {
    const open = suggestions.isFor(field);
    if (event.key === "Enter") {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && open) {
      event.preventDefault();
      suggestions.hide();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && open) {
      event.preventDefault();
      suggestions.move(event.key === "ArrowDown" ? 1 : -1);
    }
  }

  /** Offers people of that name, and a new one; who has exactly this name is chosen. */
  async function search() {
    clearTimeout(timer);
    const typed = field.value.trim();
    asked?.abort();
    const own = (asked = new AbortController());
    if (!typed) return suggestions.hide();
    const query = { name: typed, anonymous: false, hidden: "any", limit: MOST, max_faces: 1 };
    const answer = HAS_WORD.test(typed) ? get(people, { query, signal: AbortSignal.any([signal, own.signal]) }) : null;
    const known = await Promise.resolve(answer).then(
      (page) => page?.identities ?? [],
      (error) => (error.name === "AbortError" ? null : []), // a new name needs no list
    );
    if (known === null || document.activeElement !== field || field.value.trim() !== typed) return;
    found = { typed, known };
    const exact = known.findIndex((one) => nameOf(one).toLowerCase() === typed.toLowerCase());
    const fresh = { content: h("span", {}, t("naming.new", { name: typed })), choose: () => act(() => rename(person, typed)) };
    const same = (one) => ({ content: personLine(gallery, one), choose: () => act(() => merge(person, one)) });
    suggestions.show(field, [...known.map(same), fresh], exact < 0 ? known.length : exact);
  }

  async function submit() {
    const typed = field.value.trim();
    if (!typed) return onSkip?.();
    if (found?.typed !== typed) {
      await search();
      if (found?.typed !== typed) return;
      const exact = found.known.some((one) => nameOf(one).toLowerCase() === typed.toLowerCase());
      if (exact) return; // nobody has seen yet that there is such a person: the next Enter chooses
    }
    if (suggestions.isFor(field)) suggestions.chosen()?.choose();
    else await act(() => rename(person, typed));
  }

  async function act(action) {
    if (busy) return;
    busy = true;
    suggestions.hide();
    try {
      await action();
    } catch (error) {
      if (error.name !== "AbortError") toast(inWords(error), { kind: "error" });
    } finally {
      busy = false;
    }
  }

  async function rename(whom, name) {
    const named = await patch(`${people}/${whom.id}`, { json: { name } });
    toast(t("naming.named", { name }), {
      undo: async () => {
        await patch(`${people}/${whom.id}`, { json: { name: null, anonymous: true } });
        onUndone(whom);
      },
    });
    onNamed(whom, named);
  }

  async function merge(whom, kept) {
    const change = await post(`${people}/${kept.id}/merge`, { json: { other: whom.id, take: [] } });
    toast(t("naming.merged", { name: nameOf(kept) }), {
      undo: async () => {
        await post(path`v1/galleries/${gallery}/people-changes/${change.id}/undo`);
        onUndone(whom);
      },
    });
    onNamed(whom, change.identity);
  }

  return {
    field,
    show(next) {
      if (person?.id === next?.id) return;
      person = next;
      field.value = "";
      found = null;
      if (!id) field.setAttribute("aria-label", next ? t("naming.label", { faces: t("common.faces", { count: next.faces_total }) }) : t("naming.add"));
    },
  };
}
