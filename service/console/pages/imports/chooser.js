// Where people choose what to import: a folder, a ZIP archive, or both by drag and drop.

import { icon } from "../../layout/icons.js";
import { h } from "../../dom.js";
import { t } from "../../texts.js";
import { readZip } from "./zip.js";

/**
 * @param {{onItems: (items: import("./items.js").Item[], label: string) => void, onError: (text: string) => void}} options
 * @returns {HTMLElement}
 */
export function createChooser({ onItems, onError }) {
  const folder = h("input", { type: "file", webkitdirectory: true, multiple: true, hidden: true, "aria-hidden": "true", tabindex: "-1", "data-kind": "folder" });
  const archive = h("input", { type: "file", accept: ".zip,application/zip", hidden: true, "aria-hidden": "true", tabindex: "-1", "data-kind": "zip" });
  folder.addEventListener("change", () => {
    const files = [...folder.files];
    folder.value = "";
    if (files.length) onItems(files.map((file) => ofFile(file, file.webkitRelativePath || file.name)), topOf(files[0]));
  });
  archive.addEventListener("change", () => {
    const [file] = archive.files;
    archive.value = "";
    if (file) void openZip(file);
  });

  async function openZip(file) {
    try {
      onItems(await readZip(file), file.name);
    } catch {
      onError(t("imports.bad_zip", { name: file.name }));
    }
  }

  async function drop(event) {
    event.preventDefault();
    element.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files];
    if (files.length === 1 && files[0].name.toLowerCase().endsWith(".zip")) return openZip(files[0]);
    const items = [];
    for (const entry of entries) await walk(entry, "", items);
    if (items.length) onItems(items, entries.length === 1 ? entries[0].name : "");
  }

  const element = h(
    "div",
    {
      class: "import-drop",
      ondragover: (event) => (event.preventDefault(), element.classList.add("over")),
      ondragleave: () => element.classList.remove("over"),
      ondrop: (event) => void drop(event),
    },
    icon("imports"),
    h("p", {}, t("imports.drop")),
    h(
      "div",
      { class: "actions" },
      h("button", { class: "primary", type: "button", onclick: () => folder.click() }, t("imports.choose_folder")),
      h("button", { type: "button", onclick: () => archive.click() }, t("imports.choose_zip")),
    ),
    folder,
    archive,
  );
  return element;
}

const ofFile = (file, name) => ({ name, size: file.size, read: async () => file });
const topOf = (file) => (file.webkitRelativePath || file.name).split("/")[0];

/** All files below an entry that was dropped. */
async function walk(entry, parent, items) {
  const name = `${parent}${entry.name}`;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) items.push(ofFile(file, name));
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return; // a browser gives a hundred at a time
    for (const inner of some) await walk(inner, `${name}/`, items);
  }
}
