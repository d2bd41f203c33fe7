// No page has this address.

import { h } from "../../dom.js";
import { t } from "../../texts.js";

export async function show() {
  return h(
    "div",
    {},
    h("h1", {}, t("titles.not-found")),
    h("p", {}, t("not_found.text")),
    h("p", {}, h("a", { href: "#/" }, t("not_found.home"))),
  );
}
