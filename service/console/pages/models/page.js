// The gallery's model, calibration and policy, and its changes of model.

import { h } from "../../dom.js";
import { emptyState } from "../../components/states/states.js";
import { t } from "../../texts.js";

export async function show() {
  return h("div", {}, h("h1", {}, t("titles.models")), emptyState({ title: t("titles.models") }));
}
