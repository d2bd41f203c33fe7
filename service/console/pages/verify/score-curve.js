// Where the score lies on the calibration's curve: how many pairs of strangers score at least as high.

import { h, svg } from "../../dom.js";
import { number, score as written } from "../../format.js";
import { t } from "../../texts.js";

const [WIDTH, HEIGHT] = [420, 170];
const [LEFT, RIGHT, TOP, BOTTOM] = [84, 14, 12, 34];
const DECADES = 5;

/**
 * @param {{score: number, fmr: {rate: number, trusted: boolean}}[]} points by rising score
 * @param {{score: number, threshold: number}} answer
 */
export function scoreCurve(points, { score, threshold }) {
  const least = Math.min(0, points[0].score);
  const x = (value) => LEFT + ((Math.min(1, Math.max(least, value)) - least) / (1 - least)) * (WIDTH - LEFT - RIGHT);
  const y = (rate) => TOP + (Math.min(DECADES, Math.max(0, -Math.log10(rate))) / DECADES) * (HEIGHT - TOP - BOTTOM);
  const measured = points.filter(({ fmr }) => fmr.rate >= 10 ** -DECADES);
  const line = measured.map(({ score: at, fmr }) => `${x(at).toFixed(1)},${y(fmr.rate).toFixed(1)}`).join(" ");
  const decades = Array.from({ length: DECADES + 1 }, (_, i) => i);
  return h(
    "figure",
    { class: "score-curve" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": t("verify.curve_name", { score: written(score), threshold: written(threshold) }) },
      decades.map((i) => [
        svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(10 ** -i), y2: y(10 ** -i) }),
        i % 2 === 0 && svg("text", { x: LEFT - 6, y: y(10 ** -i) + 4, "text-anchor": "end" }, i ? t("verify.one_in", { pairs: number(10 ** i) }) : t("verify.all")),
      ]),
      [0, 0.5, 1].map((at) => svg("text", { x: x(at), y: HEIGHT - 18, "text-anchor": at === 1 ? "end" : "middle" }, number(at, at % 1 ? 1 : 0))),
      svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, t("verify.curve_x")),
      svg("polyline", { class: "curve", points: line }),
      svg("line", { class: "threshold", x1: x(threshold), x2: x(threshold), y1: TOP, y2: HEIGHT - BOTTOM }),
      svg("line", { class: "score", x1: x(score), x2: x(score), y1: TOP, y2: HEIGHT - BOTTOM }),
    ),
    h("figcaption", {}, t("verify.curve")),
  );
}
