// Access: API keys and what they may do.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.access")), emptyState({ title: t("titles.access") }));
}
