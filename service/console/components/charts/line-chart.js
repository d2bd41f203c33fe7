// A chart of values over time: lines, or an area. It is read with the pointer, with arrow keys, or as a table.

import { h, svg, fill } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { chartTable } from "./table.js";
import { clock, linear, ticks, timeTicks } from "./scale.js";

await styles("./charts.css", import.meta.url);

const HEIGHT = 150;
const EDGE = { left: 52, right: 10, top: 8, bottom: 22 };

/**
 * @typedef {object} Series
 * @property {string} name
 * @property {(number | null)[]} values one for each time; null where nothing is known
 */

/**
 * @param {object} options
 * @param {string} options.title
 * @param {string} [options.unit] in words, behind the title
 * @param {(value: number) => string} options.format of values
 * @param {boolean} [options.area] fills what is below the first line
 * @param {number} [options.least] the axis ends here at least
 * @param {AbortSignal} options.signal of the page
 * @returns {{element: HTMLElement, update: (times: number[], series: Series[]) => void}}
 *   `times`: ms since 1970, in order; at most four series
 */
export function createLineChart({ title, unit, format, area = false, least = 0, signal }) {
  let times = [];
  /** @type {Series[]} */
  let series = [];
  let cursor = null; // index of the time that is read; null: the last one
  let width = 0;

  const drawing = svg("svg", { class: "chart-drawing", height: HEIGHT, "aria-hidden": "true" });
  const plot = h("div", {
    class: "chart-plot",
    role: "slider",
    tabindex: "0",
    "aria-label": unit ? `${title}, ${unit}` : title,
    "aria-valuemin": "0",
    "aria-valuemax": "0",
    "aria-valuenow": "0",
    "aria-valuetext": t("charts.empty"),
    onkeydown: readByKey,
    onpointermove: (event) => read(nearest(event.offsetX)),
    onpointerleave: () => read(null),
    onblur: () => read(null),
  }, drawing);
  const moment = h("span", { class: "chart-moment muted" });
  const legend = h("ul", { class: "plain chart-legend" });
  const table = chartTable({ caption: title, rows });
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("h3", {}, title, unit && h("span", { class: "muted" }, ` ${unit}`)), moment),
    plot,
    legend,
    table.element,
  );
  const resized = new ResizeObserver(([entry]) => {
    width = Math.floor(entry.contentRect.width);
    draw();
  });
  resized.observe(plot);
  signal.addEventListener("abort", () => resized.disconnect(), { once: true });

  function update(newTimes, newSeries) {
    const read = cursor === null ? null : times[cursor];
    [times, series] = [newTimes, newSeries];
    const found = read === null ? -1 : times.indexOf(read);
    cursor = found === -1 ? null : found;
    draw();
    table.update();
  }

  function readByKey(event) {
    const last = times.length - 1;
    const at = cursor ?? last;
    const moves = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last, PageUp: at + 10, PageDown: at - 10 };
    if (last < 0 || !(event.key in moves)) return;
    event.preventDefault();
    read(Math.min(last, Math.max(0, moves[event.key])));
  }

  function read(index) {
    cursor = times.length ? index : null;
    draw();
  }

  function nearest(x) {
    if (!times.length) return null;
    const at = times[0] + ((x - EDGE.left) / Math.max(1, width - EDGE.left - EDGE.right)) * (times.at(-1) - times[0]);
    return times.reduce((best, time, i) => (Math.abs(time - at) < Math.abs(times[best] - at) ? i : best), 0);
  }

  function draw() {
    const at = cursor ?? times.length - 1;
    const known = times.length > 0;
    moment.textContent = known ? clock(times[at], true) : "";
    fill(legend, series.map(({ name, values }, i) => entry(name, known ? values[at] : null, i)));
    const words = series.map(({ name, values }) => `${name} ${shown(known ? values[at] : null)}`).join(", ");
    plot.setAttribute("aria-valuemax", Math.max(0, times.length - 1));
    plot.setAttribute("aria-valuenow", Math.max(0, at));
    plot.setAttribute("aria-valuetext", known ? `${clock(times[at], true)}: ${words}` : t("charts.empty"));
    if (width > 0) fill(drawing, lines(at));
  }

  function lines(at) {
    drawing.setAttribute("width", width);
    const [left, right, top, bottom] = [EDGE.left, width - EDGE.right, EDGE.top, HEIGHT - EDGE.bottom];
    const most = Math.max(least, ...series.flatMap(({ values }) => values.filter((value) => value !== null)));
    const marks = ticks(most);
    const y = linear(0, marks.at(-1), bottom, top);
    const grid = marks.map((value) => [
      svg("line", { class: "chart-grid", x1: left, x2: right, y1: y(value), y2: y(value) }),
      svg("text", { class: "chart-label", x: left - 6, y: y(value) + 4, "text-anchor": "end" }, format(value)),
    ]);
    if (times.length < 2) {
      const words = svg("text", { class: "chart-label", x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" }, t("charts.empty"));
      return [grid, words];
    }
    const x = linear(times[0], times.at(-1), left, right);
    const hours = timeTicks(times[0], times.at(-1), Math.max(1, Math.floor((right - left) / 90)));
    const seconds = hours.some((time) => time % 60000 !== 0);
    const labels = hours
      .filter((time) => x(time) > left + 20 && x(time) < right - 20)
      .map((time) => svg("text", { class: "chart-label", x: x(time), y: HEIGHT - 5, "text-anchor": "middle" }, clock(time, seconds)));
    const paths = series.map(({ values }, i) => {
      const parts = runs(values);
      const d = parts.map((run) => run.map((j, k) => `${k ? "L" : "M"}${round(x(times[j]))} ${round(y(values[j]))}`).join("")).join("");
      const below = parts.map((run) => `${run.map((j, k) => `${k ? "L" : "M"}${round(x(times[j]))} ${round(y(values[j]))}`).join("")}L${round(x(times[run.at(-1)]))} ${bottom}L${round(x(times[run[0]]))} ${bottom}Z`).join("");
      return [area && i === 0 && svg("path", { class: `chart-area series-${i + 1}`, d: below }), svg("path", { class: `chart-line series-${i + 1}`, d })];
    });
    const reading = cursor !== null && [
      svg("line", { class: "chart-cursor", x1: x(times[at]), x2: x(times[at]), y1: top, y2: bottom }),
      series.map(({ values }, i) => values[at] !== null && svg("circle", { class: `chart-dot series-${i + 1}`, cx: x(times[at]), cy: y(values[at]), r: 4 })),
    ];
    return [grid, labels, paths, reading];
  }

  const shown = (value) => (value === null || value === undefined ? t("charts.unknown") : format(value));
  const entry = (name, value, i) =>
    h("li", {}, svg("svg", { class: "chart-key", width: 22, height: 10, "aria-hidden": "true" }, svg("path", { class: `chart-line series-${i + 1}`, d: "M1 5H21" })), name, " ", h("strong", {}, shown(value)));

  /** The last of them, the newest first: what a table can be read with. */
  function rows() {
    const head = [t("charts.time"), ...series.map(({ name }) => name)];
    const body = times.map((time, i) => [clock(time, true), ...series.map(({ values }) => shown(values[i]))]);
    return { head, body: body.slice(-60).reverse() };
  }

  return { element, update };
}

const round = (px) => Math.round(px * 10) / 10;

/** The indexes of values that are known, in runs without gaps. */
function runs(values) {
  const found = [];
  values.forEach((value, i) => {
    if (value === null) return;
    if (i > 0 && values[i - 1] !== null && found.length) found.at(-1).push(i);
    else found.push([i]);
  });
  return found;
}
