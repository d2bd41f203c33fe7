// Verify: are these two pictures of one person?

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.verify")), emptyState({ title: t("titles.verify") }));
}
