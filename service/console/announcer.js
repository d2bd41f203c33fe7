// Tells screen readers what changed on the page without moving the focus.

import { h } from "./dom.js";

export const announcer = h("div", { class: "visually-hidden", role: "status", "aria-live": "polite" });

/** @param {string} text */
export function announce(text) {
  announcer.textContent = "";
  requestAnimationFrame(() => (announcer.textContent = text)); // or the same text twice is read once
}
