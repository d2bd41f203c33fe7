// Short messages at the edge of the page, with an undo where one is possible.

import { h } from "../../dom.js";
import { inWords } from "../../problem.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./toast.css", import.meta.url);

const SECONDS = 8;
const MOST = 3;
/** Of the page where a message was shown; a query is the page's state. */
const pageNow = () => location.hash.split("?")[0];
const list = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

export const createToasts = () => list;

/**
 * Shows a message for some seconds; as long as the pointer or the focus is on it, it stays. One without an undo gives
 * way to the next one of its kind, and goes when its page is left.
 * @param {string} text
 * @param {{undo?: () => void | Promise<void>, kind?: "info" | "error", whenGone?: () => void}} [options]
 *   `whenGone` is called once the message is gone and `undo` was not chosen, also when the page is closed
 * @returns {() => void} removes the message
 */
export function toast(text, { undo, kind = "info", whenGone } = {}) {
  let timer = 0;
  let over = false;
  const end = (undone) => {
    if (over) return;
    over = true;
    clearTimeout(timer);
    removeEventListener("pagehide", leave);
    removeEventListener("hashchange", leavePage);
    item.remove();
    if (!undone) whenGone?.();
  };
  const leave = () => end(false);
  const page = pageNow();
  const leavePage = () => !undo && pageNow() !== page && leave();
  const start = () => (timer = setTimeout(leave, SECONDS * 1000));
  const stop = () => clearTimeout(timer);
  const item = h(
    "div",
    { class: `toast ${kind} ${undo ? "with-undo" : ""}`, onpointerenter: stop, onpointerleave: start, onfocusin: stop, onfocusout: start },
    h("span", {}, text),
    undo && h("button", { onclick: () => (end(true), goBack(undo)) }, t("common.undo")),
    h("button", { class: "quiet", onclick: leave }, t("common.close")),
  );
  addEventListener("pagehide", leave);
  addEventListener("hashchange", leavePage);
  if (!undo) list.querySelector(`.${kind}:not(.with-undo)`)?.querySelector("button:last-child").click();
  while (list.children.length >= MOST) list.firstChild.querySelector("button:last-child").click();
  list.append(item);
  start();
  return leave;
}

/** Says so if it cannot be undone any more. */
async function goBack(undo) {
  try {
    await undo();
  } catch (error) {
    toast(inWords(error), { kind: "error" });
  }
}
