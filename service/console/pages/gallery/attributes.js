// The policies for what is estimated of faces: which attributes requests may ask for, and what is done about prints.

import { get } from "../../api.js";
import { fill, h } from "../../dom.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const LIVENESS = ["off", "report", "reject"];

/**
 * @param {{gallery: any, save: (field: string, value: any, control: (value: any) => void) => Promise<void>,
 *   signal: AbortSignal}} options `save`: changes one policy at once, with an undo
 * @returns {Promise<HTMLElement>}
 */
export async function attributePolicies({ gallery, save, signal }) {
  const { attributes } = await get("v1/attributes", { signal });
  return h("section", { class: "card stack" }, h("h2", {}, t("gallery.attributes")), liveness(attributes, gallery, save), permitted(attributes, gallery, save));
}

function liveness(attributes, gallery, save) {
  const { permitted, available } = attributes.find(({ name }) => name === "liveness");
  const possible = permitted && available;
  const select = h(
    "select",
    {
      id: "liveness",
      value: gallery.liveness,
      disabled: !can("operate"),
      "aria-describedby": "liveness-hint",
      onchange: () => save("liveness", select.value, (value) => (select.value = value)),
    },
    LIVENESS.map((value) => h("option", { value, disabled: !possible && value !== "off" }, t(`gallery.liveness_${value}`))),
  );
  const hint = possible ? "liveness_hint" : permitted ? "liveness_unavailable" : "liveness_not_permitted";
  return h("div", { class: "field" }, h("label", { for: "liveness" }, t("gallery.liveness")), select, h("p", { class: "hint", id: "liveness-hint" }, t(`gallery.${hint}`)));
}

/** All that the server permits, or a list. What the list has and the server does not permit stays in it. */
function permitted(attributes, gallery, save) {
  const disabled = !can("operate");
  const offered = attributes.filter(({ name, permitted: yes }) => yes || gallery.attributes?.includes(name));
  const boxes = h("div", { class: "policy-attributes" });
  const all = h("input", { type: "checkbox", disabled, onchange: () => save("attributes", all.checked ? null : offered.map(({ name }) => name), show) });

  const box = (one) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", value: one.name, disabled, checked: gallery.attributes.includes(one.name), onchange: () => save("attributes", checked(), show) }),
      t(`attributes.names.${one.name}`),
      !one.permitted && h("span", { class: "muted" }, t("gallery.attribute_not_permitted")),
      one.permitted && one.sensitive && h("span", { class: "muted" }, t("gallery.attribute_sensitive")),
    );
  const checked = () => [...boxes.querySelectorAll(":checked")].map(({ value }) => value);

  function show(value) {
    all.checked = value === null;
    if (value === null) return fill(boxes);
    if (!boxes.childElementCount) return fill(boxes, offered.map(box));
    for (const input of boxes.querySelectorAll("input")) input.checked = value.includes(input.value);
  }
  show(gallery.attributes);

  return h(
    "fieldset",
    {},
    h("legend", {}, t("gallery.attributes_permitted")),
    h("label", { class: "choice" }, all, t("gallery.attributes_all")),
    boxes,
    h("p", { class: "hint muted" }, t(offered.length === 0 ? "gallery.attributes_none" : "gallery.attributes_hint")),
  );
}
