// What a page shows instead of its content: nothing is there, it is loading, it failed.

import { h } from "../../dom.js";
import { inWords, Problem } from "../../problem.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./states.css", import.meta.url);

const RETRY_SECONDS = 5;

/**
 * @param {{title: string, text?: string, actions?: any}} options
 */
export const emptyState = ({ title, text, actions }) =>
  h("div", { class: "state" }, h("h2", {}, title), text && h("p", {}, text), actions && h("div", { class: "actions" }, actions));

/** Boxes in the place of what is loading, so that nothing jumps when it is there. */
export const loadingState = ({ count = 3 } = {}) =>
  h("div", { class: "loading", role: "status", "aria-label": t("common.loading") }, Array.from({ length: count }, () => h("div", {})));

/**
 * @param {unknown} error
 * @param {{retry?: () => void, retryAlone?: () => void}} [options] `retryAlone`: called every few seconds while the
 *   page is seen, if the error is one that passes
 */
export function errorState(error, { retry, retryAlone } = {}) {
  const again = retryAlone !== undefined && error instanceof Problem && error.temporary && error.status !== 500;
  const element = h(
    "div",
    { class: "state error", role: "alert" },
    h("p", {}, inWords(error)),
    again && h("p", { class: "muted" }, t("common.retries")),
    error instanceof Problem && error.requestId && h("p", { class: "muted" }, t("problems.request_id", { id: error.requestId })),
    retry && h("div", { class: "actions" }, h("button", { onclick: () => retry() }, t("common.retry"))),
  );
  if (again) retryWhileShown(element, retryAlone, error.retryAfterSeconds ?? RETRY_SECONDS);
  return element;
}

/** Tries again every few seconds, as long as the error is on a page that can be seen. */
function retryWhileShown(element, retry, seconds) {
  const timer = setInterval(() => {
    if (!element.isConnected) clearInterval(timer);
    else if (!document.hidden) retry();
  }, seconds * 1000);
}

/** An error beside the field or button that caused it. */
export const errorLine = (error) => h("p", { class: "error-line", role: "alert" }, inWords(error));
