// The figures of a curve as a table, for those who read rather than look.

import { h } from "../../dom.js";
import { number, percent, score } from "../../format.js";
import { t } from "../../texts.js";
import { isTrusted, rateAt } from "./drawing.js";

const ROWS = 11;

export function figures(points, lines) {
  const step = Math.max(1, Math.floor((points.length - 1) / (ROWS - 1)));
  const rows = points.filter((_, i) => i % step === 0);
  return h(
    "details",
    {},
    h("summary", {}, t("curve.figures")),
    h(
      "div",
      { class: "scroll-x", tabindex: 0, role: "region", "aria-label": t("curve.figures_of") },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("curve.score")), lines.map((name) => h("th", { scope: "col" }, t(`curve.${name}`))))),
        h(
          "tbody",
          {},
          rows.map((point) =>
            h(
              "tr",
              {},
              h("th", { scope: "row", class: "number" }, score(point.score)),
              lines.map((name) => h("td", {}, point[name] ? words(point[name]) : t("curve.not_measured"))),
            ),
          ),
        ),
      ),
    ),
  );
}

/** `0.1 % (0.06 % to 0.18 %)`, with a word where the measurement does not support it. */
function words(figure) {
  const { rate, interval } = figure;
  const parts = [percent(rate)];
  if (interval) parts.push(t("curve.interval", { low: percent(interval[0]), high: percent(interval[1]) }));
  if (!isTrusted(figure)) parts.push(t("curve.not_supported"));
  return parts.join(" ");
}

/** The share at a score in words, such as `1 in 1,000`. */
export function share(points, name, at) {
  const rate = rateAt(points, name, at);
  return rate <= 0 ? percent(0) : t("curve.one_in", { count: number(Number((1 / rate).toPrecision(2))) });
}
