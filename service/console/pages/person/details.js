// Name, external id and metadata, and the form that changes them.

import { patch, path } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { time } from "../../format.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/** Text of a field as it was, or else: JSON where the field was no text. */
function read(text, before) {
  if (before === undefined || typeof before === "string") return text;
  if (text === written(before)) return before;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {{gallery: string, signal: AbortSignal, onSaved: (identity: any) => void}} options */
export function createDetails({ gallery, signal, onSaved }) {
  const element = h("section", { class: "card stack", "aria-label": t("person.details") });
  let identity;

  function draw() {
    const fields = Object.entries(identity.metadata);
    const rows = [
      [t("person.name"), identity.name ?? t("common.none")],
      [t("person.external_id"), identity.external_id ?? t("common.none")],
      ...fields.map(([key, value]) => [key, written(value)]),
      [t("person.id"), h("code", {}, identity.id)],
      [t("person.created"), time(identity.created_at)],
    ];
    fill(
      element,
      h("h2", {}, t("person.details")),
      h("dl", {}, rows.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
      h("p", { class: "muted" }, identity.photographs.advice),
      can("enrol") && h("div", {}, h("button", { onclick: edit }, t("person.edit"))),
    );
  }

  function edit() {
    const problem = h("div");
    const name = h("input", { id: "person-name", value: identity.name ?? "", maxlength: 255, autocomplete: "off" });
    const externalId = h("input", { id: "person-external-id", value: identity.external_id ?? "", maxlength: 255, autocomplete: "off" });
    const rows = h("div", { class: "metadata-rows" });
    const add = (key = "", value) => {
      const keyInput = h("input", { value: key, "aria-label": t("person.field"), autocomplete: "off" });
      const valueInput = h("input", { value: value === undefined ? "" : written(value), "aria-label": t("person.value"), autocomplete: "off" });
      const row = h("div", { class: "metadata-row" }, keyInput, valueInput, h("button", { type: "button", class: "quiet", onclick: () => row.remove() }, t("common.remove")));
      row.read = () => [keyInput.value.trim(), read(valueInput.value, value)];
      rows.append(row);
      return keyInput;
    };
    for (const [key, value] of Object.entries(identity.metadata)) add(key, value);
    const values = () => ({
      name: name.value.trim() || null,
      external_id: externalId.value.trim() || null,
      metadata: Object.fromEntries([...rows.children].map((row) => row.read()).filter(([key]) => key)),
    });
    const button = h("button", { class: "primary", type: "submit" }, t("common.save"));
    const form = h(
      "form",
      { class: "stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, () => save(values(), problem))) },
      h("div", { class: "field" }, h("label", { for: "person-name" }, t("person.name")), name),
      h("div", { class: "field" }, h("label", { for: "person-external-id" }, t("person.external_id")), externalId),
      h("fieldset", { class: "stack" }, h("legend", {}, t("person.metadata")), rows, h("div", {}, h("button", { type: "button", onclick: () => add().focus() }, t("person.add_field")))),
      problem,
      h("div", { class: "actions" }, button, h("button", { type: "button", onclick: close }, t("common.cancel"))),
    );
    fill(element, form);
    name.focus();
  }

  function close() {
    draw();
    element.querySelector("button")?.focus();
  }

  async function save(values, problem) {
    const before = { name: identity.name, external_id: identity.external_id, metadata: identity.metadata };
    try {
      onSaved(await send(values));
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
      return;
    }
    element.querySelector("button")?.focus();
    toast(t("person.saved"), { undo: async () => onSaved(await send(before)) });
  }

  const send = (json) => patch(path`v1/galleries/${gallery}/identities/${identity.id}`, { json });

  return {
    element,
    show(shown) {
      identity = shown;
      draw();
    },
  };
}
