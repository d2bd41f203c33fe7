// A dialog over the page: the browser's own <dialog>, which keeps the focus and closes with Escape.

import { h } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { icon } from "../../layout/icons.js";

await styles("./dialog.css", import.meta.url);

let count = 0;

/**
 * Opens a dialog. It is removed when it closes; the focus returns to where it was.
 * @param {{title: string, content: any, actions?: any, signal?: AbortSignal, whenClosed?: () => void}} options
 *   `actions`: buttons at its end; `signal` closes it when the page is left
 * @returns {{element: HTMLDialogElement, close: () => void}}
 */
export function openDialog({ title, content, actions, signal, whenClosed }) {
  const id = `dialog-title-${++count}`;
  const before = document.activeElement;
  const element = h(
    "dialog",
    {
      "aria-labelledby": id,
      onclose: () => {
        element.remove();
        before?.focus?.();
        whenClosed?.();
      },
      onclick: (event) => event.target === element && element.close(), // on the backdrop
    },
    h(
      "div",
      { class: "dialog-body" },
      h(
        "header",
        {},
        h("h2", { id }, title),
        h("button", { class: "quiet icon-only", "aria-label": t("common.close"), onclick: () => element.close() }, icon("close")),
      ),
      content,
      actions && h("footer", { class: "actions" }, actions),
    ),
  );
  document.body.append(element);
  element.showModal();
  signal?.addEventListener("abort", () => element.close(), { once: true });
  return { element, close: () => element.close() };
}
