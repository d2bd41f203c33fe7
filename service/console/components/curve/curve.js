// A calibration as a picture: how often a score is reached by mistake, how many people it misses, and a threshold.

import { fill, h, svg } from "../../dom.js";
import { score as shownScore } from "../../format.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { isTrusted, lineOf, scales, thresholdOf, markOf, axes } from "./drawing.js";
import { figures, share } from "./figures.js";

await styles("./curve.css", import.meta.url);

/**
 * @param {object} options
 * @param {object} options.calibration the answer of `GET /v1/galleries/{gallery}/calibration`
 * @param {("fpir" | "fmr" | "misses")[]} [options.lines] `fpir`: searches among the gallery's faces; `fmr`: one
 *   comparison of two faces; `misses`: enrolled people who stay below the score
 * @param {number | null} [options.threshold] by default that of the gallery's policy
 * @param {{score: number, label: string} | null} [options.mark] a score on the curve, such as that of an answer
 * @returns {{element: HTMLElement, setThreshold: (score: number) => void,
 *   setMark: (mark: {score: number, label: string} | null) => void}}
 */
export function createCurve({
  calibration,
  lines = ["fpir", "misses"],
  threshold = calibration.policy.threshold,
  mark = null,
}) {
  const points = calibration.curve;
  const shown = lines.filter((name) => points.some((point) => point[name] !== null));
  const plot = h("div", { class: "curve-plot" });
  let width = 0;

  function draw() {
    if (width < 50) return;
    const at = scales(points, width, plot.clientHeight, [threshold, mark?.score]);
    fill(
      plot,
      svg(
        "svg",
        { width, height: plot.clientHeight, role: "img", "aria-label": summary() },
        axes(at),
        shown.map((name) => lineOf(points, name, at)),
        threshold !== null && thresholdOf(threshold, t("curve.threshold", { score: shownScore(threshold) }), at),
        mark && markOf(points, shown[0], mark, at),
      ),
    );
  }

  function summary() {
    const parts = [t(`curve.summary_${shown[0]}`)];
    if (threshold !== null) {
      parts.push(t("curve.summary_threshold", { score: shownScore(threshold), share: share(points, shown[0], threshold) }));
    }
    if (mark) parts.push(`${mark.label}: ${shownScore(mark.score)}`);
    return parts.join(" ");
  }

  new ResizeObserver(([entry]) => {
    if (Math.round(entry.contentRect.width) === width) return;
    width = Math.round(entry.contentRect.width);
    draw();
  }).observe(plot);

  return {
    element: h("figure", { class: "curve" }, plot, legend(shown, points), figures(points, shown)),
    setThreshold(value) {
      threshold = value;
      draw();
    },
    setMark(value) {
      mark = value;
      draw();
    },
  };
}

function legend(shown, points) {
  const untrusted = points.some((point) => shown.some((name) => point[name] && !isTrusted(point[name])));
  return h(
    "ul",
    { class: "curve-legend" },
    shown.map((name) => h("li", {}, sample(`${name} line`), t(`curve.${name}`))),
    untrusted && h("li", {}, sample(`${shown[0]} line untrusted`), t("curve.untrusted")),
  );
}

const sample = (name) =>
  svg("svg", { width: 34, height: 10, "aria-hidden": "true" }, svg("line", { class: name, x1: 1, x2: 33, y1: 5, y2: 5 }));
