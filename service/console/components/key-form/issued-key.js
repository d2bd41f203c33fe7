// Shows the text of a new key, which the server cannot show again.

import { announce } from "../../announcer.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/** @param {string} text */
export function issuedKey(text) {
  const shown = h("input", { id: "issued-key", class: "issued-key", readonly: true, value: text, "aria-describedby": "issued-hint", onfocus: () => shown.select() });
  const button = h("button", { class: "primary", type: "button", onclick: copy }, t("access.copy"));

  async function copy() {
    const done = await copied(text, shown);
    fill(button, t(done ? "access.copied" : "access.copy"));
    announce(t(done ? "access.copied" : "access.copy_failed"));
  }

  return h(
    "div",
    { class: "field" },
    h("label", { for: "issued-key" }, t("access.issued")),
    h("div", { class: "with-button" }, shown, button),
    h("p", { class: "hint", id: "issued-hint" }, t("access.issued_hint")),
  );
}

async function copied(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.select(); // without HTTPS there is no clipboard
    return document.execCommand("copy");
  }
}
