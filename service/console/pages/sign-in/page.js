// Sign-in: exchanges an API key for a session. The address stays that of the page which one wanted.

import { createSignInForm } from "../../components/sign-in/sign-in-form.js";
import { h } from "../../dom.js";
import { t } from "../../texts.js";

export async function show() {
  const form = createSignInForm();
  requestAnimationFrame(form.focus); // when it is on the page
  return h(
    "div",
    { class: "sign-in-page stack" },
    h("h1", {}, t("titles.sign-in")),
    h("p", { class: "muted" }, t("sign_in.intro")),
    h("div", { class: "card" }, form.element),
    h("details", {}, h("summary", {}, t("sign_in.no_key")), h("p", {}, t("sign_in.no_key_text"))),
  );
}
