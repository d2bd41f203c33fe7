// The choices of an import: what is named after the people, and what happens to pictures of several faces.

import { h } from "../../dom.js";
import { t } from "../../texts.js";

const BY = ["folder", "file", "nobody"];
const SEVERAL = ["reject", "subject", "largest"];

/**
 * @param {{name: string, byFile: boolean, manifest: Map | null, query: URLSearchParams, prefix?: string,
 *   onChange: () => void}} options `query` may choose `several_faces` and `by`, for another try
 */
export function createOptions({ name, byFile, manifest, query, prefix = "import", onChange }) {
  let by = manifest ? "folder" : BY.includes(query.get("by")) ? query.get("by") : byFile ? "file" : "folder";
  const choice = (value) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: `${prefix}-by`, value, checked: value === by, onchange: () => choose(value) }),
      t(`imports.by_${value}`),
    );
  const asked = query.get("several_faces");
  const several = h(
    "select",
    { id: `${prefix}-several`, value: SEVERAL.includes(asked) ? asked : "reject" },
    SEVERAL.map((value) => h("option", { value }, t(`imports.several.${value}`))),
  );
  const label = h("input", { id: `${prefix}-name`, value: name, maxlength: 255, autocomplete: "off" });
  const severalField = h("div", { class: "field", hidden: by === "nobody" }, h("label", { for: `${prefix}-several` }, t("imports.several_faces")), several);

  function choose(value) {
    by = value;
    severalField.hidden = by === "nobody"; // every face counts
    onChange();
  }

  return {
    element: h(
      "div",
      { class: "stack import-options" },
      manifest
        ? h("p", {}, t("imports.by_manifest", { count: manifest.size }))
        : h("fieldset", {}, h("legend", {}, t("imports.named_by")), BY.map(choice)),
      severalField,
      h("div", { class: "field" }, h("label", { for: `${prefix}-name` }, t("imports.name")), label),
    ),
    by: () => by,
    values: () => ({ name: label.value.trim() || null, people_by: by, several_faces: several.value }),
  };
}
