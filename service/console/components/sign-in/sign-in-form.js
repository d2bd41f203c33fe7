// The form in which one signs in: one field for the API key, which a password manager can fill.

import { fill, h } from "../../dom.js";
import { inWords } from "../../problem.js";
import { signIn } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./sign-in.css", import.meta.url);

/**
 * @param {{whenSignedIn?: () => void}} [options]
 * @returns {{element: HTMLFormElement, focus: () => void}}
 */
export function createSignInForm({ whenSignedIn } = {}) {
  const key = h("input", {
    id: "sign-in-key",
    name: "password",
    type: "password",
    autocomplete: "current-password",
    spellcheck: "false",
    autocapitalize: "none",
    "aria-describedby": "sign-in-hint sign-in-problem",
    oninput: () => show(""),
  });
  const reveal = h("button", { type: "button", "aria-pressed": "false", onclick: toggle }, t("sign_in.show"));
  const submit = h("button", { class: "primary", type: "submit" }, t("titles.sign-in"));
  const problem = h("p", { class: "error-line", id: "sign-in-problem", role: "alert" });

  function toggle() {
    const shown = key.type === "password";
    key.type = shown ? "text" : "password";
    reveal.setAttribute("aria-pressed", String(shown));
  }

  function show(text) {
    fill(problem, text);
    if (text) key.setAttribute("aria-invalid", "true");
    else key.removeAttribute("aria-invalid");
  }

  async function send(event) {
    event.preventDefault();
    const text = key.value.trim();
    if (!text) {
      show(t("sign_in.empty"));
      return key.focus();
    }
    submit.disabled = true;
    try {
      await signIn(text);
      key.value = "";
      whenSignedIn?.();
    } catch (error) {
      show(error.status === 401 ? t("sign_in.wrong") : inWords(error));
      key.focus();
    } finally {
      submit.disabled = false;
    }
  }

  const element = h(
    "form",
    { class: "stack sign-in", novalidate: true, onsubmit: send },
    // Password managers store a key under a name; all keys of this server have the same one.
    h("input", { type: "text", name: "username", autocomplete: "username", value: "Gemel", hidden: true, readonly: true }),
    h(
      "div",
      { class: "field" },
      h("label", { for: "sign-in-key" }, t("sign_in.key")),
      h("div", { class: "with-button" }, key, reveal),
      h("p", { class: "hint", id: "sign-in-hint" }, t("sign_in.hint")),
    ),
    problem,
    h("div", { class: "actions" }, submit),
  );
  return { element, focus: () => key.focus() };
}
