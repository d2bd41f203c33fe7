// Progress of long work: a bar, and its figures in words.

import { h } from "../../dom.js";
import { styles } from "../../styles.js";
import { percent } from "../../format.js";

await styles("./progress.css", import.meta.url);

/**
 * @param {{label: string}} options what the work is
 * @returns {{element: HTMLElement, set: (share: number | null, words: string) => void}}
 *   `share`: 0 to 1; null while it is not known
 */
export function createProgress({ label }) {
  const bar = h("progress", { max: "1", "aria-label": label });
  const words = h("p", { class: "muted" });
  return {
    element: h("div", { class: "progress" }, bar, words),
    set(share, text) {
      if (share === null) bar.removeAttribute("value");
      else bar.value = share;
      bar.setAttribute("aria-valuetext", share === null ? text : `${percent(share)}, ${text}`);
      words.textContent = text;
    },
  };
}
