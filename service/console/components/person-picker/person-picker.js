// Finds a person of the gallery by what is typed, and lets one be chosen.

import { get, path } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { fill, h } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { faceCrop, nameOf } from "../face-crop/face-crop.js";
import { errorLine } from "../states/states.js";

await styles("./person-picker.css", import.meta.url);

const MOST = 6;
const TYPING_MS = 150;
let count = 0;

/** A person in one line: picture, name, external id, number of faces. */
export const personLine = (gallery, identity) =>
  h(
    "span",
    { class: "person-line" },
    faceCrop({ gallery, identity, size: 48 }),
    h(
      "span",
      {},
      h("span", {}, nameOf(identity)),
      h("br"),
      h("span", { class: "muted" }, [identity.name && identity.external_id, t("common.faces", { count: identity.faces_total })].filter(Boolean).join(" · ")),
    ),
  );

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {string} options.label of the field
 * @param {string} [options.without] id of a person who is not offered
 * @param {(identity: any) => void} options.onChoose
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, focus: () => void}}
 */
export function createPersonPicker({ gallery, label, without, onChoose, signal }) {
  const id = `person-picker-${++count}`;
  let asked = null;
  let timer = 0;
  const found = h("div", { class: "found", role: "group", "aria-label": t("people.found") });
  const input = h("input", {
    id,
    type: "search",
    autocomplete: "off",
    "aria-describedby": `${id}-hint`,
    oninput: () => (clearTimeout(timer), (timer = setTimeout(search, TYPING_MS))),
  });

  async function search() {
    asked?.abort();
    const own = (asked = new AbortController());
    const q = input.value.trim();
    try {
      const query = { q, limit: MOST + 1, max_faces: 1, order: "newest" };
      const { identities } = await get(path`v1/galleries/${gallery}/identities`, { query, signal: AbortSignal.any([signal, own.signal]) });
      const shown = identities.filter((one) => one.id !== without).slice(0, MOST);
      fill(
        found,
        shown.map((one) => h("button", { type: "button", class: "quiet", onclick: (event) => whileDisabled(event.currentTarget, async () => onChoose(one)) }, personLine(gallery, one))),
        shown.length === 0 && h("p", { class: "muted", role: "status" }, t("people.nobody_found", { q })),
      );
    } catch (error) {
      if (error.name !== "AbortError") fill(found, errorLine(error));
    }
  }
  search();
  const element = h(
    "div",
    { class: "person-picker" },
    h("label", { for: id }, label),
    input,
    h("p", { class: "hint muted", id: `${id}-hint` }, t("people.search_short")),
    found,
  );
  return { element, focus: () => input.focus() };
}
