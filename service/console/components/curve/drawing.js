// Draws the parts of the curve's picture: axes, lines with their bands, the threshold, a marked score.

import { svg } from "../../dom.js";
import { number } from "../../format.js";
import { t } from "../../texts.js";

const MARGIN = { top: 26, right: 14, bottom: 40, left: 98 };
const LEAST = 1e-6;
/** Shares that the axis names: 1 in 10 and so on. */
const SHARES = [1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6];

/**
 * From scores and shares to pixels.
 * @param {object[]} points of the calibration's curve
 * @param {(number | null | undefined)[]} also scores that must be in the picture
 */
export function scales(points, width, height, also) {
  const scores = [points[0].score, points.at(-1).score, ...also.filter((value) => Number.isFinite(value))];
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const decades = -Math.log10(LEAST);
  return {
    low,
    high,
    left: MARGIN.left,
    right: width - MARGIN.right,
    top: MARGIN.top,
    bottom: height - MARGIN.bottom,
    x: (score) => MARGIN.left + ((score - low) / (high - low || 1)) * inner.width,
    y: (share) => MARGIN.top + (-Math.log10(Math.min(1, Math.max(LEAST, share))) / decades) * inner.height,
  };
}

export function axes(at) {
  const step = [0.02, 0.05, 0.1, 0.2, 0.5].find((size) => ((at.right - at.left) * size) / (at.high - at.low) >= 56) ?? 0.5;
  const ticks = [];
  for (let i = Math.ceil(at.low / step); i * step <= at.high; i++) ticks.push(i * step);
  return svg(
    "g",
    {},
    SHARES.map((share) => [
      svg("line", { class: "grid-line", x1: at.left, x2: at.right, y1: at.y(share), y2: at.y(share) }),
      svg(
        "text",
        { x: at.left - 8, y: at.y(share), "text-anchor": "end", "dominant-baseline": "middle" },
        share === 1 ? t("curve.all") : t("curve.one_in", { count: Math.round(1 / share) }),
      ),
    ]),
    ticks.map((score) => [
      svg("line", { class: "grid-line", x1: at.x(score), x2: at.x(score), y1: at.bottom, y2: at.bottom + 5 }),
      svg("text", { x: at.x(score), y: at.bottom + 18, "text-anchor": "middle" }, number(score, step < 0.1 ? 2 : 1)),
    ]),
    svg("text", { x: at.right, y: at.bottom + 35, "text-anchor": "end" }, t("curve.score")),
  );
}

/** A line with the band of its intervals; dotted where the measurement does not support it. */
export function lineOf(points, name, at) {
  const known = points.filter((point) => point[name] !== null && point[name].rate >= LEAST);
  const runs = [];
  for (const point of known) {
    const trusted = isTrusted(point[name]);
    const last = runs.at(-1);
    if (last?.trusted === trusted) last.points.push(point);
    else runs.push({ trusted, points: [...(last ? [last.points.at(-1)] : []), point] });
  }
  return svg(
    "g",
    {},
    svg("path", { class: `${name} band`, d: band(known, name, at) }),
    runs.map((run) =>
      svg("path", { class: `${name} line${run.trusted ? "" : " untrusted"}`, d: path(run.points.map((p) => [p.score, p[name].rate]), at) }),
    ),
  );
}

/** Not beyond what was measured, and not below the first quantile of misses that a card has. */
export const isTrusted = ({ trusted, source, interval }) => trusted !== false && !(source === "card" && interval[0] === 0);

function band(points, name, at) {
  const ranged = points.filter((point) => point[name].interval && point[name].source !== "card");
  if (ranged.length < 2) return "";
  const up = ranged.map((point) => [point.score, point[name].interval[1]]);
  const down = ranged.map((point) => [point.score, point[name].interval[0]]).reverse();
  return `${path([...up, ...down], at)}Z`;
}

const path = (pairs, at) =>
  pairs.map(([score, share], i) => `${i ? "L" : "M"}${at.x(score).toFixed(1)},${at.y(share).toFixed(1)}`).join("");

export function thresholdOf(score, label, at) {
  return svg("g", { class: "threshold" }, svg("line", vertical(score, at)), words(score, label, at, at.top - 9));
}

/** A score on the curve of `name`. */
export function markOf(points, name, { score, label }, at) {
  const y = at.y(rateAt(points, name, score));
  return svg(
    "g",
    { class: "mark" },
    svg("line", { ...vertical(score, at), y1: y, y2: at.bottom }),
    svg("circle", { cx: at.x(score), cy: y, r: 7 }),
    words(score, label, at, Math.max(at.top + 14, y - 14)),
  );
}

const vertical = (score, at) => ({ x1: at.x(score), x2: at.x(score), y1: at.top, y2: at.bottom });

function words(score, label, at, y) {
  const place = (at.x(score) - at.left) / (at.right - at.left);
  return svg("text", { x: at.x(score), y, "text-anchor": place < 0.25 ? "start" : place > 0.75 ? "end" : "middle" }, label);
}

/** The share of `name` at a score, interpolated between the points on the logarithmic scale. */
export function rateAt(points, name, score) {
  const known = points.filter((point) => point[name] !== null);
  const after = known.findIndex((point) => point.score >= score);
  if (after === 0) return known[0][name].rate;
  if (after < 0) return known.at(-1)[name].rate;
  const [a, b] = [known[after - 1], known[after]];
  const part = (score - a.score) / (b.score - a.score);
  const [low, high] = [a, b].map((point) => Math.log(Math.max(LEAST, point[name].rate)));
  return Math.exp(low + part * (high - low));
}
