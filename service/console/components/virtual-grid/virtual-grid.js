// A grid of which only the visible part is in the document, so that it is as quick with 100,000 entries as with ten.

import { h } from "../../dom.js";
import { styles } from "../../styles.js";
import { createPages } from "./pages.js";

await styles("./virtual-grid.css", import.meta.url);

const OVERSCAN_ROWS = 2;
const PAGE_SIZE = 60;
const SETTLED_MS = 80;
/** Browsers draw nothing beyond some 17 million pixels. */
const MOST_PIXELS = 15_000_000;

/**
 * One place of the grid. It is used again for another entry when it leaves the window.
 * @typedef {object} Cell
 * @property {HTMLElement} element
 * @property {HTMLElement} focusable what the arrow keys move to
 * @property {HTMLElement[]} [controls] what the Tab key reaches as well, of the entry that had the focus
 * @property {() => HTMLElement | null} [field] what is typed into, where one moves from field to field
 * @property {(item: any, index: number) => void} show `item`: undefined while it is loading
 */

/**
 * @param {object} options
 * @param {string} options.label for screen readers
 * @param {() => Cell} options.createCell
 * @param {(offset: number, limit: number, signal: AbortSignal) => Promise<any[]>} options.load
 * @param {(error: Error) => void} options.onError
 * @param {number} options.cellWidth least, in CSS pixels
 * @param {number} options.textHeight what a cell is higher than wide
 * @param {(event: KeyboardEvent, item: any) => void} [options.onKey] keys that the grid has no use for
 * @param {AbortSignal} options.signal
 */
export function createVirtualGrid({ label, createCell, load, onError, cellWidth, textHeight, onKey, signal }) {
  const element = h("div", { class: "virtual-grid", role: "list", "aria-label": label, onkeydown });
  const pages = createPages({ load, size: PAGE_SIZE, onLoaded: draw, onError, signal });
  /** @type {Map<number, Cell>} by the number of the entry */
  const cells = new Map();
  const spare = [];
  let total = 0;
  let columns = 1;
  let width = cellWidth;
  let height = cellWidth + textHeight;
  let gap = 16;
  let focused = 0;
  let timer = 0;
  let frame = 0;

  function measure() {
    const available = element.clientWidth || contentWidth();
    if (available <= 0) return;
    const anchor = firstVisible();
    const before = columns;
    gap = available < 600 ? 10 : 16;
    const least = available < 600 ? Math.min(cellWidth, (available - gap) / 2) : cellWidth;
    columns = Math.max(1, Math.floor((available + gap) / (least + gap)));
    width = Math.floor((available - gap * (columns - 1)) / columns);
    height = width + textHeight;
    const rows = Math.min(Math.ceil(total / columns), Math.floor(MOST_PIXELS / (height + gap)));
    element.style.setProperty("--grid-height", `${Math.max(0, rows * (height + gap) - gap)}px`);
    element.style.setProperty("--cell-width", `${width}px`);
    element.style.setProperty("--cell-height", `${height}px`);
    for (const [index, cell] of cells) place(cell, index);
    if (before !== columns && anchor > 0) scrollTo(0, top() + Math.floor(anchor / columns) * (height + gap));
    draw();
  }

  const top = () => element.getBoundingClientRect().top + scrollY;
  const firstVisible = () => Math.max(0, Math.floor((scrollY - top()) / (height + gap))) * columns;

  function place(cell, index) {
    const x = (index % columns) * (width + gap);
    const y = Math.floor(index / columns) * (height + gap);
    cell.element.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** Shows what is in the window now. */
  function draw() {
    frame = 0;
    if (signal.aborted || !element.isConnected) return;
    const offset = -element.getBoundingClientRect().top;
    const firstRow = Math.max(0, Math.floor(offset / (height + gap)) - OVERSCAN_ROWS);
    const lastRow = Math.floor((offset + innerHeight) / (height + gap)) + OVERSCAN_ROWS;
    const first = Math.min(firstRow * columns, Math.max(0, total - 1));
    const last = Math.min(total - 1, (lastRow + 1) * columns - 1);
    for (const [index, cell] of cells) {
      const keep = index >= first && index <= last;
      if (keep || cell.element.contains(document.activeElement)) continue; // the focus stays where it is
      cells.delete(index);
      spare.push(cell);
    }
    for (let index = first; index <= last; index++) {
      let cell = cells.get(index);
      if (!cell) {
        cell = spare.pop() ?? added();
        cells.set(index, cell);
        place(cell, index);
        cell.element.setAttribute("aria-posinset", index + 1);
        cell.element.setAttribute("aria-setsize", total);
      }
      cell.element.hidden = false;
      cell.show(pages.get(index), index);
      reach(cell, index === focused);
    }
    for (const cell of spare) cell.element.hidden = true;
    if (total > 0 && !cells.has(focused)) {
      focused = Math.min(Math.max(firstVisible(), first), last);
      reach(cells.get(focused), true);
    }
    clearTimeout(timer); // while somebody scrolls fast, nothing is asked for that is gone when it comes
    timer = setTimeout(() => settle(first, last), SETTLED_MS);
  }

  function settle(first, last) {
    if (total > 0) pages.want(first, last);
    // In the order in which they are read; whoever has the focus stays where it is, or would lose it.
    const order = [...cells.keys()].sort((a, b) => a - b).map((index) => cells.get(index).element);
    const fixed = order.find((one) => one.contains(document.activeElement)) ?? null;
    const before = fixed === null ? order : order.slice(0, order.indexOf(fixed));
    const sorted = [...element.children].filter((one) => !one.hidden);
    if (order.every((one, i) => one === sorted[i])) return;
    for (const one of before) element.insertBefore(one, fixed);
    if (fixed !== null) element.append(...order.slice(order.indexOf(fixed) + 1));
  }

  function added() {
    const cell = createCell();
    cell.element.setAttribute("role", "listitem");
    element.append(cell.element);
    return cell;
  }

  function onkeydown(event) {
    const typing = isField(event.target);
    if (event.defaultPrevented || (typing && event.target.value !== "")) return;
    const rows = Math.max(1, Math.floor(innerHeight / (height + gap)) - 1);
    const step = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: columns,
      ArrowUp: -columns,
      PageDown: rows * columns,
      PageUp: -rows * columns,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (step === undefined || event.ctrlKey || event.altKey || event.metaKey) {
      return typing ? undefined : onKey?.(event, pages.get(focused));
    }
    event.preventDefault();
    const target = focused + step;
    if (target < 0 && event.key === "ArrowUp") return;
    focus(Math.min(total - 1, Math.max(0, target)));
  }

  /** Scrolls to an entry and gives it the focus; its field, if one types into such a field now. */
  function focus(index, typing = isField(document.activeElement) && element.contains(document.activeElement)) {
    if (total === 0) return;
    reach(cells.get(focused), false);
    focused = index;
    const y = top() + Math.floor(index / columns) * (height + gap);
    const above = stickyHeight();
    if (y < scrollY + above) scrollTo(0, y - above - gap);
    else if (y + height > scrollY + innerHeight) scrollTo(0, y + height + gap - innerHeight);
    draw();
    const cell = cells.get(index);
    ((typing && cell?.field?.()) || cell?.focusable)?.focus({ preventScroll: true });
  }

  /** To the next entry that has a field, or the next one that is not there yet. */
  function focusNextField() {
    for (let index = focused + 1; index < total; index++) {
      const cell = cells.get(index);
      if (cell && pages.get(index) !== undefined && !cell.field?.()) continue;
      return focus(index, true);
    }
  }

  /** Whether the Tab key gets to the entry. */
  function reach(cell, yes) {
    for (const one of cell ? [cell.focusable, ...(cell.controls ?? [])] : []) one.tabIndex = yes ? 0 : -1;
  }

  const stickyHeight = () => parseFloat(getComputedStyle(element).scrollMarginTop) || 0;

  element.addEventListener("focusin", (event) => {
    for (const [index, cell] of cells) {
      if (!cell.element.contains(event.target)) continue;
      if (index !== focused) reach(cells.get(focused), false);
      focused = index;
      reach(cell, true);
    }
  });
  const soon = () => (frame ||= requestAnimationFrame(draw));
  addEventListener("scroll", soon, { passive: true, signal });
  addEventListener("resize", soon, { signal });
  const sizes = new ResizeObserver(measure);
  sizes.observe(element);
  signal.addEventListener("abort", () => (sizes.disconnect(), clearTimeout(timer), cancelAnimationFrame(frame)));

  return {
    element,
    /** Shows another list: how many there are, and its first page of `PAGE_SIZE`. */
    reset(count, firstPage) {
      pages.clear();
      pages.put(0, firstPage);
      total = count;
      focused = 0;
      for (const cell of cells.values()) spare.push(cell);
      cells.clear();
      measure();
    },
    /** Draws again: what is selected has changed. */
    draw,
    focus: (index) => focus(index),
    focusNextField,
    /** The field of the entry that has the focus, if there is one. */
    field: () => cells.get(focused)?.field?.() ?? null,
    get focused() {
      return focused;
    },
  };
}

const isField = (element) => element.matches("input:not([type=checkbox])");

/** Of the place that a page will have, so that the height is right before the grid is in the document. */
function contentWidth() {
  const main = document.querySelector("main");
  const { paddingLeft, paddingRight } = getComputedStyle(main);
  return Math.floor(main.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight));
}

export { PAGE_SIZE };
