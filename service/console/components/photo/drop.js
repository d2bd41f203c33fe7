// Takes photographs that are dropped anywhere on the page, or pasted.

import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const isFolder = (item) => item.webkitGetAsEntry?.()?.isDirectory ?? false;

/**
 * @param {object} options
 * @param {(files: File[], place: Element | null) => void} options.onFiles `place`: what they were dropped on
 * @param {() => void} options.onFolder a folder was dropped
 * @param {AbortSignal} options.signal ends it
 */
export function takeDropped({ onFiles, onFolder, signal }) {
  const cover = h("div", { class: "drop-cover", hidden: true, "aria-hidden": "true" });
  fill(cover, h("p", {}, t("photo.drop_now")));
  document.body.append(cover);
  signal.addEventListener("abort", () => cover.remove(), { once: true });
  const listen = (name, listener) => document.addEventListener(name, listener, { signal });

  listen("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    cover.hidden = false;
  });
  listen("dragleave", (event) => {
    if (event.relatedTarget === null) cover.hidden = true; // it has left the window
  });
  listen("drop", (event) => {
    cover.hidden = true;
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const items = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    if (items.some(isFolder)) onFolder();
    else if (event.dataTransfer.files.length) onFiles([...event.dataTransfer.files], event.target);
  });
  listen("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return; // text into a field
    event.preventDefault();
    onFiles(files, null);
  });
}
