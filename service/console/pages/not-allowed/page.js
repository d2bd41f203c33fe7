// The role does not allow this page.

import { h } from "../../dom.js";
import { t } from "../../texts.js";

export async function show() {
  return h(
    "div",
    {},
    h("h1", {}, t("titles.not-allowed")),
    h("p", {}, t("not_allowed.text")),
    h("p", {}, h("a", { href: "#/" }, t("not_found.home"))),
  );
}
