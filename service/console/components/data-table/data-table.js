// A table of rows that fits narrow screens, where each row becomes a card; arrow keys go from row to row.

import { fill, h } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./data-table.css", import.meta.url);

/**
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: any) => any} cell children of the cell: text or elements
 * @property {boolean} [main] the cell names the row: a heading of the row, and of the card
 * @property {boolean} [number] figures, to the right
 * @property {(row: any) => number | string | null} [sort] by which the rows can be sorted; null comes last
 */

/**
 * @param {object} options
 * @param {string} options.caption what the table is, for screen readers
 * @param {Column[]} options.columns
 * @param {string} [options.sorted] title of a column, `-` before it for the other direction
 * @param {(sorted: string) => void} [options.whenSorted]
 * @returns {{element: HTMLElement, set: (rows: any[]) => void}}
 */
export function createTable({ caption, columns, sorted = "", whenSorted }) {
  let rows = [];
  const body = h("tbody", { role: "rowgroup", onkeydown: moveByArrow });
  const heads = columns.map((column) => head(column, () => sortBy(column)));
  const element = h(
    "table",
    { class: "data-table", role: "table" },
    h("caption", { class: "visually-hidden" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, heads)),
    body,
  );

  function sortBy({ title }) {
    sorted = sorted === title ? `-${title}` : title;
    whenSorted?.(sorted);
    draw();
  }

  function draw() {
    const down = sorted.startsWith("-");
    const by = columns.find(({ title, sort }) => sort && title === sorted.replace(/^-/, ""));
    for (const [i, column] of columns.entries()) {
      if (column !== by) heads[i].removeAttribute("aria-sort");
      else heads[i].setAttribute("aria-sort", down ? "descending" : "ascending");
    }
    const ordered = by ? [...rows].sort((a, b) => compare(by.sort(a), by.sort(b), down)) : rows;
    fill(
      body,
      ordered.map((row) => h("tr", { role: "row" }, columns.map((column) => bodyCell(column, row)))),
    );
  }

  return {
    element,
    set(all) {
      rows = all;
      draw();
    },
  };
}

function head({ title, number, sort }, onclick) {
  const content = sort ? h("button", { class: "quiet", onclick, title: t("table.sort", { title }) }, title) : title;
  return h("th", { scope: "col", role: "columnheader", class: number ? "number" : null }, content);
}

function bodyCell({ title, cell, main, number }, row) {
  const content = cell(row);
  const props = { "data-title": title, class: number ? "number" : null };
  return main
    ? h("th", { scope: "row", role: "rowheader", ...props }, content)
    : h("td", { role: "cell", ...props }, h("div", {}, content));
}

function compare(a, b, down) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return down ? -order : order;
}

/** Up and down go to the same control of the row above and below; Home and End to the first and the last row. */
function moveByArrow(event) {
  const row = event.target.closest("tr");
  const all = [...row.parentElement.children];
  const at = all.indexOf(row);
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to === undefined || !all[to]) return;
  event.preventDefault();
  const place = controls(row).indexOf(event.target);
  controls(all[to]).at(Math.min(place, controls(all[to]).length - 1))?.focus();
}

const controls = (row) => [...row.querySelectorAll("a[href], button")];
