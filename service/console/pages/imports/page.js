// Imports: enrol many people at once.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.imports")), emptyState({ title: t("titles.imports") }));
}
