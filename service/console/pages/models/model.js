// The gallery's model: its name, where it comes from, what it misses.

import { h } from "../../dom.js";
import { t } from "../../texts.js";
import { missesInWords, modelName } from "./words.js";

/**
 * @param {string} fingerprint
 * @param {object | undefined} model its entry in `GET /v1/models`; a model of one's own has none
 */
export function modelCard(fingerprint, model) {
  const figure = model?.figures.find(({ fmr }) => fmr === 0.001);
  const rows = [
    [t("models.name"), model?.name ?? modelName(fingerprint)],
    [t("models.fingerprint"), h("code", {}, fingerprint)],
    model && [t("models.size"), model.dimension],
    figure && [t("models.misses_title"), t("models.misses", { share: missesInWords(figure.misses) })],
    [t("models.source"), model?.source ?? t("models.file")],
    model && [t("models.licence"), model.licence],
  ].filter(Boolean);
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "model-title" },
    h("h2", { id: "model-title" }, t("models.model")),
    model?.superseded && h("p", { class: "notice" }, t("models.superseded", { name: model.name })),
    h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
  );
}
