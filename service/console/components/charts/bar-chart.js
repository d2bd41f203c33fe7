// A chart of bars, one row for each thing: a solid part and a longer, lighter one, such as median and 95 %.

import { fill, h, svg } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { chartTable } from "./table.js";

await styles("./charts.css", import.meta.url);

/**
 * @param {object} options
 * @param {string} options.title
 * @param {string} [options.unit] in words, behind the title
 * @param {string[]} options.parts what the values of a bar are, such as `median` and `95 of 100`; the last is the longest
 * @param {(value: number) => string} options.format of values
 * @returns {{element: HTMLElement, update: (bars: {name: string, values: number[]}[]) => void}}
 */
export function createBarChart({ title, unit, parts, format }) {
  let bars = [];
  const list = h("ul", { class: "plain chart-bars" });
  const table = chartTable({
    caption: title,
    rows: () => ({ head: [t("charts.name"), ...parts], body: bars.map(({ name, values }) => [name, ...values.map(format)]) }),
  });
  const keys = parts.map((part, i) => h("li", {}, swatch(i, parts.length), part));
  const element = h(
    "figure",
    { class: "chart" },
    h("figcaption", {}, h("h3", {}, title, unit && h("span", { class: "muted" }, ` ${unit}`))),
    list,
    parts.length > 1 && h("ul", { class: "plain chart-legend" }, keys),
    table.element,
  );

  function update(newBars) {
    bars = newBars;
    const most = Math.max(0, ...bars.flatMap(({ values }) => values));
    fill(list, bars.length ? bars.map((bar) => row(bar, most)) : h("li", { class: "muted" }, t("charts.empty")));
    table.update();
  }

  function row({ name, values }, most) {
    const words = parts.map((part, i) => `${part} ${format(values[i])}`).join(", ");
    const share = (value) => `${most > 0 ? Math.max(0.5, (100 * value) / most) : 0}%`;
    const rectangles = values
      .map((value, i) => svg("rect", { class: partClass(i, values.length), width: share(value), height: "100%", rx: 2 }))
      .reverse();
    return h(
      "li",
      {},
      h("span", { class: "chart-bar-name" }, name),
      svg("svg", { class: "chart-bar-drawing", role: "img", "aria-label": `${name}: ${words}`, preserveAspectRatio: "none" }, rectangles),
      h("span", { class: "number chart-bar-value", "aria-hidden": "true" }, values.map(format).join(" / ")),
    );
  }

  update([]);
  return { element, update };
}

const swatch = (i, count) =>
  svg("svg", { class: "chart-key", width: 14, height: 10, "aria-hidden": "true" }, svg("rect", { class: partClass(i, count), width: 14, height: 10, rx: 2 }));

/** The first part is solid, what is behind it is lighter. */
const partClass = (i, count) => `chart-bar ${i > 0 && count > 1 ? "behind" : ""}`;
