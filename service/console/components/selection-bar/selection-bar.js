// A bar at the edge of the window: how many are selected, and what can be done with them.

import { h } from "../../dom.js";
import { styles } from "../../styles.js";

await styles("./selection-bar.css", import.meta.url);

/**
 * @param {{actions: any}} options buttons
 * @returns {{element: HTMLElement, show: (count: number, words: string) => void}}
 */
export function createSelectionBar({ actions }) {
  const words = h("p", { role: "status" });
  const element = h("div", { class: "selection-bar", hidden: true }, words, h("div", { class: "actions" }, actions));
  return {
    element,
    show(count, text) {
      element.hidden = count === 0;
      words.textContent = text;
    },
  };
}
