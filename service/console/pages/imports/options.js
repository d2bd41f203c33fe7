// The choices of an import: what is named after the people, and what happens to pictures of several faces.

import { h } from "../../dom.js";
import { t } from "../../texts.js";

const SEVERAL = ["reject", "subject", "largest"];

/**
 * @param {{name: string, byFile: boolean, manifest: Map | null, query: URLSearchParams, prefix?: string,
 *   onChange: () => void}} options `query` may choose `several_faces`, for another try
 */
export function createOptions({ name, byFile, manifest, query, prefix = "import", onChange }) {
  const choice = (value) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: `${prefix}-by`, value, checked: (value === "file") === byFile, onchange: onChange }),
      t(`imports.by_${value}`),
    );
  const folder = choice("folder");
  const file = choice("file");
  const asked = query.get("several_faces");
  const several = h(
    "select",
    { id: `${prefix}-several`, value: SEVERAL.includes(asked) ? asked : "reject" },
    SEVERAL.map((value) => h("option", { value }, t(`imports.several.${value}`))),
  );
  const label = h("input", { id: `${prefix}-name`, value: name, maxlength: 255, autocomplete: "off" });
  return {
    element: h(
      "div",
      { class: "stack import-options" },
      manifest
        ? h("p", {}, t("imports.by_manifest", { count: manifest.size }))
        : h("fieldset", {}, h("legend", {}, t("imports.named_by")), folder, file),
      h("div", { class: "field" }, h("label", { for: `${prefix}-several` }, t("imports.several_faces")), several),
      h("div", { class: "field" }, h("label", { for: `${prefix}-name` }, t("imports.name")), label),
    ),
    byFile: () => file.querySelector("input").checked,
    values: () => ({
      name: label.value.trim() || null,
      people_by: file.querySelector("input").checked ? "file" : "folder",
      several_faces: several.value,
    }),
  };
}
