// The policy for people who match nobody: whether they are remembered, how good their picture must be, for how long.

import { path } from "../../api.js";
import { h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/** @type {{field: string, min: number, max: number, step: number | "any", optional?: boolean}[]} the server's limits */
const FIELDS = [
  { field: "visitor_lifetime_hours", min: 1, max: 876000, step: "any" },
  { field: "max_visitors", min: 1, max: 10000000, step: 1 },
  { field: "max_visitor_faces", min: 1, max: 100, step: 1 },
  { field: "min_visitor_quality", min: 0, max: 100, step: "any", optional: true },
];

/**
 * @param {{gallery: any, save: (field: string, value: any, control: (value: any) => void) => Promise<void>}} options
 *   `save`: changes one policy at once, with an undo
 */
export function visitorPolicy({ gallery, save }) {
  const numbers = h("div", { class: "visitor-policy", hidden: !gallery.remember_unknown }, FIELDS.map((one) => numberField(one, gallery, save)));
  const set = (value) => {
    box.checked = value;
    numbers.hidden = !value;
  };
  const box = h("input", {
    type: "checkbox",
    checked: gallery.remember_unknown,
    disabled: !can("operate"),
    "aria-describedby": "remember-unknown-hint",
    onchange: () => save("remember_unknown", box.checked, set),
  });
  return h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("titles.visitors")),
    h("label", { class: "choice" }, box, t("gallery.remember_unknown")),
    h("p", { class: "muted", id: "remember-unknown-hint" }, t("gallery.remember_unknown_hint"), " ", h("a", { href: link(path`/galleries/${gallery.name}/visitors`) }, t("gallery.see_visitors"))),
    numbers,
  );
}

function numberField({ field, min, max, step, optional }, gallery, save) {
  const shown = (value) => (input.value = value ?? "");
  const input = h("input", {
    id: field,
    type: "number",
    min,
    max,
    step,
    required: !optional,
    value: gallery[field] ?? "",
    disabled: !can("operate"),
    "aria-describedby": `${field}-hint`,
    onchange: () => {
      if (!input.reportValidity()) return;
      save(field, input.value === "" ? null : Number(input.value), shown);
    },
  });
  return h("div", { class: "field" }, h("label", { for: field }, t(`gallery.${field}`)), input, h("p", { class: "hint", id: `${field}-hint` }, t(`gallery.${field}_hint`)));
}
