// Try it: enrol somebody from a photograph, then find them in another.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.try")), emptyState({ title: t("titles.try") }));
}
