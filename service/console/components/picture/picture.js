// A photograph, or the camera's picture, with a box around each face and its name.

import { fill, h } from "../../dom.js";
import { styles } from "../../styles.js";

await styles("./picture.css", import.meta.url);

/** Shares of the picture's width: names nearer to each other in height than this may overlap; room for a name and a score. */
const LABEL_HEIGHT = 0.07;
const CROWDED = 0.35;

/**
 * @typedef {object} Box
 * @property {{x: number, y: number, width: number, height: number}} box in pixels of the picture
 * @property {string} label shown below the box, shortened if it is long
 * @property {string} [detail] shown behind the label, never shortened
 * @property {string} name for screen readers
 * @property {"match" | "unsure" | "none"} kind
 */

/**
 * @param {HTMLElement | null} media an image or a video; null where the browser cannot show it
 * @param {{width: number, height: number, onChoose?: (number: number) => void, missing?: string}} options
 *   `width`, `height`: of the picture, in pixels. `missing`: words in the place of a picture that cannot be shown
 * @returns {{element: HTMLElement, show: (boxes: Box[]) => void, choose: (number: number | null) => void}}
 */
export function pictureWithBoxes(media, { width, height, onChoose, missing }) {
  const overlay = h("ul", { class: "boxes plain" });
  const element = h(
    "div",
    { class: "picture", style: { "--ratio": width && height ? `${width} / ${height}` : "4 / 3", "--width": `${width || 640}` } },
    media ?? h("p", { class: "picture-missing" }, missing),
    overlay,
  );
  const made = [];

  function make(number) {
    const label = h("span", { class: "box-label", "aria-hidden": "true" });
    const frame = onChoose
      ? h("button", { class: "box", onclick: () => onChoose(number) }, label)
      : h("div", { class: "box", role: "img" }, label);
    const item = h("li", {}, frame);
    overlay.append(item);
    return { item, frame, label };
  }

  /** A name ends where that of the next face begins; where there is little room, its score is left out. */
  function giveRoom(boxes) {
    const labels = boxes.map(({ box }, number) => {
      const is = (name) => made[number].frame.classList.contains(name);
      return { left: is("label-left"), x: box.x + (is("label-left") ? box.width : 0), y: box.y + (is("label-above") ? 0 : box.height) };
    });
    for (const [number, label] of labels.entries()) {
      const gaps = labels
        .filter((other) => other !== label && Math.abs(other.y - label.y) < LABEL_HEIGHT * width)
        .map((other) => (label.left ? label.x - other.x : other.x - label.x) / (label.left === other.left ? 1 : 2))
        .filter((gap) => gap > 0);
      const room = Math.min(width, ...gaps) / width;
      made[number].frame.style.setProperty("--room", `${100 * room}cqw`);
      made[number].frame.classList.toggle("crowded", room < CROWDED);
    }
  }

  return {
    element,
    /** Keeps the elements of before, so that boxes of a moving picture keep the focus. */
    show(boxes) {
      for (const [number, { box, label, detail = "", name, kind }] of boxes.entries()) {
        made[number] ??= make(number);
        const { item, frame, label: text } = made[number];
        item.hidden = false;
        frame.className = `box ${kind}`;
        frame.setAttribute("aria-label", name);
        if (text.textContent !== label + detail) fill(text, h("span", {}, label), detail && h("b", {}, detail));
        frame.style.setProperty("--left", `${(100 * box.x) / width}%`);
        frame.style.setProperty("--top", `${(100 * box.y) / height}%`);
        frame.style.setProperty("--w", `${(100 * box.width) / width}%`);
        frame.style.setProperty("--h", `${(100 * box.height) / height}%`);
        // A name at the lower edge of the picture goes above the box.
        frame.classList.toggle("label-above", box.y + box.height > 0.9 * height);
        frame.classList.toggle("label-left", box.x + box.width / 2 > 0.75 * width);
      }
      for (const { item } of made.slice(boxes.length)) item.hidden = true;
      giveRoom(boxes);
    },
    choose(number) {
      for (const [other, { frame }] of made.entries()) {
        frame.classList.toggle("chosen", other === number);
        if (onChoose) frame.setAttribute("aria-pressed", String(other === number));
      }
    },
  };
}
