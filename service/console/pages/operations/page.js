// Operations: whether all is well, and what is not.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.operations")), emptyState({ title: t("titles.operations") }));
}
