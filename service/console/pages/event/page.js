// One audit event, and why a search answered as it did.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.event")), emptyState({ title: t("titles.event") }));
}
