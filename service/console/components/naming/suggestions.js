// The list below a field from which one of several answers is chosen, with the arrow keys or the pointer.

import { fill, h } from "../../dom.js";
import { styles } from "../../styles.js";

await styles("./naming.css", import.meta.url);

let count = 0;

/**
 * @typedef {object} Option
 * @property {any} content elements
 * @property {() => void} choose
 */

/**
 * One list for all fields of a page: put `element` into the page, outside of what clips it.
 * @returns {{element: HTMLElement, show: (field: HTMLInputElement, options: Option[], chosen: number) => void,
 *   hide: () => void, move: (step: number) => void, chosen: () => Option | null, isFor: (field: HTMLElement) => boolean}}
 */
export function createSuggestions({ label }) {
  const id = `suggestions-${++count}`;
  const element = h("ul", { class: "suggestions plain", role: "listbox", id, "aria-label": label, popover: "manual", tabindex: "-1" });
  let field = null;
  let options = [];
  let at = -1;

  function mark(index) {
    at = index;
    for (const [i, item] of [...element.children].entries()) item.setAttribute("aria-selected", String(i === at));
    const item = element.children[at];
    if (item) field.setAttribute("aria-activedescendant", item.id);
    else field.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  }

  function hide() {
    if (field === null) return;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
    field = null;
    options = [];
    if (element.matches(":popover-open")) element.hidePopover();
  }

  return {
    element,
    show(input, all, chosen) {
      if (field !== input) hide();
      field = input;
      options = all;
      const item = ({ content, choose }, i) =>
        h("li", { role: "option", id: `${id}-${i}`, onpointerdown: (event) => event.preventDefault(), onclick: choose }, content);
      fill(element, options.map(item));
      const { left, top, bottom, width } = input.getBoundingClientRect();
      const wide = Math.min(Math.max(width, 256), innerWidth - 16);
      element.style.setProperty("--left", `${Math.min(left, innerWidth - wide - 8)}px`);
      element.style.setProperty("--width", `${wide}px`);
      input.setAttribute("aria-controls", id);
      input.setAttribute("aria-expanded", "true");
      if (!element.matches(":popover-open")) element.showPopover();
      const fits = bottom + element.offsetHeight + 8 <= innerHeight || bottom + top <= innerHeight; // or there is less room above
      element.style.setProperty("--top", `${fits ? bottom + 4 : Math.max(4, top - element.offsetHeight - 4)}px`);
      mark(chosen);
    },
    hide,
    move: (step) => mark((at + step + options.length) % options.length),
    chosen: () => options[at] ?? null,
    isFor: (input) => field === input,
  };
}
