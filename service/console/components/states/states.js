// What a page shows instead of its content: nothing is there, it is loading, it failed.

import { h } from "../../dom.js";
import { inWords, Problem } from "../../problem.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./states.css", import.meta.url);

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
 * @param {{retry?: () => void}} [options]
 */
export const errorState = (error, { retry } = {}) =>
  h(
    "div",
    { class: "state error", role: "alert" },
    h("p", {}, inWords(error)),
    error instanceof Problem && error.requestId && h("p", { class: "muted" }, t("problems.request_id", { id: error.requestId })),
    retry && h("div", { class: "actions" }, h("button", { onclick: retry }, t("common.retry"))),
  );

/** An error beside the field or button that caused it. */
export const errorLine = (error) => h("p", { class: "error-line", role: "alert" }, inWords(error));
