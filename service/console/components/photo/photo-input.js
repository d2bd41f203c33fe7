// A place to give a photograph: drop it, paste it, choose a file, or take it with the camera.

import { fill, h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { openCameraPanel } from "../camera/camera-panel.js";

await styles("./photo-input.css", import.meta.url);

export const PICTURES = "image/*,.heic,.heif";

let count = 0;

/**
 * Dropping and pasting anywhere on the page is `takeDropped`'s work: the page decides which input they are for.
 * @param {object} options
 * @param {string} options.title what to drop here, in a few words
 * @param {(files: Blob[]) => void} options.onFiles
 * @param {AbortSignal} options.signal
 * @param {boolean} [options.several] whether several files may be chosen at once
 * @param {boolean} [options.camera] whether it can take a photograph with the camera
 * @param {string} [options.hint] what may be done, and is not in the title
 * @param {string} [options.accept] kinds of files that the choice offers
 * @param {boolean} [options.small]
 * @returns {{element: HTMLElement, setProblem: (problem: Node | null) => void, choose: () => void}}
 *   `choose`: opens the choice of a file
 */
export function photoInput({ title, onFiles, signal, several = false, camera: hasCamera = true, hint = t("photo.hint"), accept = PICTURES, small = false }) {
  const hintId = `photo-hint-${++count}`;
  const input = h("input", {
    type: "file",
    class: "visually-hidden",
    "aria-label": title,
    "aria-describedby": hintId,
    accept,
    multiple: several,
    onchange: () => {
      const files = [...input.files];
      input.value = ""; // or the same file could not be chosen again
      if (files.length) onFiles(files);
    },
  });
  const below = h("div", { class: "photo-below" });
  const problem = h("div", { role: "alert" });
  const camera = h(
    "button",
    {
      onclick: () => {
        const panel = openCameraPanel({ onPicture: (blob) => onFiles([blob]), onClose: close, onChoose: choose, signal });
        camera.hidden = true;
        fill(below, panel);
      },
    },
    icon("camera"),
    t("camera.use"),
  );
  const choose = () => input.click();
  function close() {
    fill(below);
    camera.hidden = false;
    camera.focus();
  }
  const element = h(
    "div",
    { class: small ? "photo-input small" : "photo-input" },
    h(
      "label",
      { class: "drop-zone" },
      input,
      icon("upload"),
      h("span", { class: "drop-title" }, title),
      h("span", { class: "drop-hint", id: hintId }, hint),
    ),
    hasCamera && h("div", { class: "actions" }, camera),
    below,
    problem,
  );
  return { element, setProblem: (node) => fill(problem, node), choose };
}
