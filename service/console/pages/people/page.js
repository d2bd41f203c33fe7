// People: everybody in the gallery, as a grid of crops.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.people")), emptyState({ title: t("titles.people") }));
}
