// A part of the page that loads by itself: its heading, and its content or why it cannot be shown.

import { errorState, loadingState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { poll } from "../../poll.js";

/**
 * @param {object} options
 * @param {string} options.title
 * @param {string} [options.hint]
 * @param {number} options.everySeconds
 * @param {() => Promise<() => any>} options.ask gets the data, and returns what draws it
 * @param {AbortSignal} options.signal of the page
 * @returns {{element: HTMLElement, now: () => Promise<void>, first: Promise<void>}}
 */
export function createSection({ title, hint, everySeconds, ask, signal }) {
  const id = `section-${title.toLowerCase().replace(/\W+/g, "-")}`;
  const content = h("div", { class: "section-content" }, loadingState({ count: 2 }));
  const element = h(
    "section",
    { class: "stack", "aria-labelledby": id },
    h("header", {}, h("h2", { id }, title), hint && h("p", { class: "muted" }, hint)),
    content,
  );
  let failed = true;

  async function load() {
    try {
      const draw = await ask();
      const focused = content.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      fill(content, draw());
      failed = false;
      if (focused) content.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    } catch (error) {
      if (signal.aborted) throw error;
      if (!failed || !content.querySelector(".error")) fill(content, errorState(error, { retry: () => polling.now() }));
      failed = true;
    }
  }
  const polling = poll({ ask: load, seconds: () => everySeconds, signal });
  return { element, now: polling.now, first: polling.now() };
}
