// One change of model: progress, gates, comparison, switch.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.reindex")), emptyState({ title: t("titles.reindex") }));
}
