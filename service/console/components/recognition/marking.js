// A box that a person draws around a face which the detector missed: with the mouse, a finger, or the arrow keys.

import { errorOf } from "./actions.js";
import { fill, h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./marking.css", import.meta.url);

/** Shares of the picture's shorter side. */
const FIRST_SIZE = 0.3;
const STEP = 0.02;
const LEAST_PX = 8; // the server's limit

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {object} options
 * @param {HTMLElement} options.picture over which the box is drawn
 * @param {{width: number, height: number}} options.photo its size in pixels
 * @param {(box: {x: number, y: number, width: number, height: number}) => Promise<void>} options.onBox in pixels of the photo
 * @returns {HTMLElement} the button that begins, and what stands in its place meanwhile
 */
export function createMarking({ picture, photo, onBox }) {
  const step = STEP * Math.min(photo.width, photo.height);
  const frame = h("button", { class: "marked-box", "aria-label": t("marking.box"), "aria-describedby": "marking-hint", onclick: search, onkeydown });
  const layer = h("div", { class: "marking-layer", onpointerdown }, frame);
  const begin = h("button", { onclick: open }, t("marking.begin"));
  const problem = h("div");
  const searching = h("button", { class: "primary", onclick: search }, icon("search"), t("marking.search"));
  const place = h("div", { class: "marking" }, begin);
  let box = null;

  function open() {
    const side = FIRST_SIZE * Math.min(photo.width, photo.height);
    box ??= { x: (photo.width - side) / 2, y: (photo.height - side) / 2, width: side, height: side };
    fill(problem);
    fill(
      place,
      h("p", { id: "marking-hint" }, t("marking.hint")),
      problem,
      h("div", { class: "actions" }, searching, h("button", { onclick: () => (close(), begin.focus()) }, t("common.cancel"))),
    );
    picture.append(layer);
    draw();
    frame.focus({ preventScroll: true });
  }

  function close() {
    layer.remove();
    fill(place, begin);
  }

  function draw() {
    const share = (value, whole) => `${(100 * value) / whole}%`;
    frame.style.setProperty("--left", share(box.x, photo.width));
    frame.style.setProperty("--top", share(box.y, photo.height));
    frame.style.setProperty("--w", share(box.width, photo.width));
    frame.style.setProperty("--h", share(box.height, photo.height));
  }

  /** Within the photograph, and not too small. */
  function set({ x, y, width, height }) {
    const within = (value, most) => Math.min(Math.max(0, value), most);
    const [w, h_] = [Math.min(Math.max(width, LEAST_PX), photo.width), Math.min(Math.max(height, LEAST_PX), photo.height)];
    box = { x: within(x, photo.width - w), y: within(y, photo.height - h_), width: w, height: h_ };
    draw();
  }

  function onkeydown(event) {
    if (event.key === "Escape") return close(), begin.focus();
    const [dx, dy] = KEYS[event.key] ?? [0, 0];
    if ((!dx && !dy) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    if (event.shiftKey) set({ ...box, width: box.width + dx * step, height: box.height + dy * step });
    else set({ ...box, x: box.x + dx * step, y: box.y + dy * step });
  }

  /** Within the box it is moved; elsewhere a new one is drawn. */
  function onpointerdown(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const { left, top, width, height } = layer.getBoundingClientRect();
    const at = ({ clientX, clientY }) => [((clientX - left) / width) * photo.width, ((clientY - top) / height) * photo.height];
    const [x, y] = at(event);
    const before = box;
    const moving = x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height;
    const follow = (moved) => {
      const [nx, ny] = at(moved);
      if (moving) return set({ ...before, x: before.x + nx - x, y: before.y + ny - y });
      const [toX, toY] = [Math.min(Math.max(0, nx), photo.width), Math.min(Math.max(0, ny), photo.height)];
      set({ x: Math.min(x, toX), y: Math.min(y, toY), width: Math.abs(toX - x), height: Math.abs(toY - y) });
    };
    const drawing = new AbortController();
    const end = () => (drawing.abort(), frame.focus({ preventScroll: true }));
    layer.setPointerCapture(event.pointerId);
    layer.addEventListener("pointermove", follow, { signal: drawing.signal });
    layer.addEventListener("pointerup", end, { signal: drawing.signal });
    layer.addEventListener("pointercancel", end, { signal: drawing.signal });
  }

  async function search() {
    if (searching.disabled) return;
    searching.disabled = true;
    fill(problem, h("p", { role: "status" }, t("identify.searching")));
    try {
      await onBox(box);
      box = null;
      close();
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorOf(error));
    } finally {
      searching.disabled = false;
    }
  }

  return place;
}
