// Sign-in: exchanges an API key for a session.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.sign-in")), emptyState({ title: t("titles.sign-in") }));
}
