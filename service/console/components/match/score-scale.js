// A score on a scale with the threshold: left of it are strangers, right of it matches.

import { h } from "../../dom.js";
import { score as written } from "../../format.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./score-scale.css", import.meta.url);

/** Cosine similarities below 0 are as good as 0. */
const place = (value) => `${100 * Math.min(1, Math.max(0, value))}%`;

/** @param {{score: number, threshold: number}} values */
export function scoreScale({ score, threshold }) {
  return h(
    "div",
    {
      class: score >= threshold ? "score-scale reached" : "score-scale",
      role: "img",
      "aria-label": t("match.scale_name", { score: written(score), threshold: written(threshold) }),
      style: { "--score": place(score), "--threshold": place(threshold) },
    },
    h("div", { class: "scale-track" }, h("span", { class: "scale-bar" }), h("span", { class: "scale-line" })),
    h(
      "div",
      { class: "scale-words", "aria-hidden": "true" },
      h("span", {}, t("match.different")),
      h("span", { class: threshold > 0.6 ? "scale-threshold left" : "scale-threshold" }, t("match.threshold", { threshold: written(threshold) })),
      h("span", {}, t("match.same")),
    ),
  );
}
