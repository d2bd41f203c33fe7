// Asks to sign in again over a page, when the session has ended while somebody works on it.

import { openDialog } from "../dialog/dialog.js";
import { h } from "../../dom.js";
import { t } from "../../texts.js";
import { createSignInForm } from "./sign-in-form.js";

/** @returns {Promise<boolean>} false: the dialog was closed instead */
export function openSignIn() {
  return new Promise((resolve) => {
    let done = false;
    const form = createSignInForm({
      whenSignedIn: () => {
        done = true;
        dialog.close();
      },
    });
    const dialog = openDialog({
      title: t("sign_in.ended"),
      content: [h("p", {}, t("sign_in.ended_text")), form.element],
      whenClosed: () => resolve(done),
    });
    // A click beside it does not close it: what is typed on the page would be lost.
    dialog.element.addEventListener("click", (event) => event.target === dialog.element && event.stopImmediatePropagation(), { capture: true });
    form.focus();
  });
}
