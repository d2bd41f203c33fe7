// A chart's values as a table, for those who cannot or do not want to look at a drawing.

import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/**
 * @param {{caption: string, rows: () => {head: string[], body: string[][]}}} options
 *   `rows` is asked only while the table is open
 * @returns {{element: HTMLElement, update: () => void}}
 */
export function chartTable({ caption, rows }) {
  const table = h("table", {});
  const element = h(
    "details",
    { class: "chart-table", ontoggle: update },
    h("summary", {}, t("charts.table"), h("span", { class: "visually-hidden" }, `: ${caption}`)),
    h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": caption }, table),
  );

  function update() {
    if (!element.open) return;
    const { head, body } = rows();
    fill(
      table,
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, head.map((word, i) => h("th", { scope: "col", class: i ? "number" : null }, word)))),
      h("tbody", {}, body.map(([first, ...others]) => h("tr", {}, h("th", { scope: "row" }, first), others.map((value) => h("td", { class: "number" }, value))))),
    );
  }

  return { element, update };
}
