// The audit record: who did what.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.audit")), emptyState({ title: t("titles.audit") }));
}
