// Reviews: pairs of people who may be one.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.reviews")), emptyState({ title: t("titles.reviews") }));
}
