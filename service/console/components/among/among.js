// Whom a search is among: other galleries, conditions on the metadata of people, whether unnamed people count.

import { h } from "../../dom.js";
import { loadGalleries } from "../../layout/gallery-picker.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { identify, identifyInSeveral } from "../recognition/ask.js";

await styles("./among.css", import.meta.url);

const OPERATORS = ["is", "in", "gte", "lte", "exists", "missing"];
/** The server's limit of galleries in one request. */
const MOST_GALLERIES = 10;
const WITHOUT_VALUE = new Set(["exists", "missing"]);

/** A text that looks like a number may be either in the metadata. */
const asWritten = (text) => (text.trim() !== "" && Number.isFinite(Number(text)) ? [text, Number(text)] : [text]);
const listed = (text) => text.split(",").map((one) => one.trim()).filter(Boolean);
const numeric = (text) => (Number.isFinite(Number(text)) ? Number(text) : text);

/** @type {Record<string, (text: string) => object>} */
const CONDITIONS = {
  is: (text) => ({ $in: asWritten(text) }),
  in: (text) => ({ $in: listed(text).flatMap(asWritten) }),
  gte: (text) => ({ $gte: numeric(text) }),
  lte: (text) => ({ $lte: numeric(text) }),
  exists: () => ({ $exists: true }),
  missing: () => ({ $exists: false }),
};

/** @typedef {{field: string, operator: string, value: string}} Row as the address has it */

/**
 * @param {{gallery: string, query: URLSearchParams, setQuery: (changes: object) => void, signal: AbortSignal,
 *   onChange: () => void}} options `query`: of the page's address, which keeps what is chosen
 * @returns {{element: HTMLElement, key: () => string, search: () => (image: Blob, options: object) => Promise<object>}}
 *   `key`: the same text for the same conditions; `search`: as it is chosen now, a function that identifies with the options
 *   of `identify`
 */
export function createAmong({ gallery, query, setQuery, signal, onChange }) {
  const chosen = new Set((query.get("galleries") ?? "").split(",").filter((name) => name && name !== gallery));
  const boxes = h("div", { class: "among-galleries" });
  const galleries = h("fieldset", { hidden: true }, h("legend", {}, t("among.galleries")), boxes, h("p", { class: "hint muted" }, t("among.most", { count: MOST_GALLERIES })));
  const rows = h("div", { class: "stack among-rows" });
  const named = h("input", { type: "checkbox", checked: query.get("named") === "only", onchange: changed });
  const active = h("span", { class: "badge", role: "status" });
  const element = h(
    "details",
    { class: "among" },
    h("summary", {}, t("among.title"), " ", active),
    h(
      "div",
      { class: "stack" },
      galleries,
      h("p", { class: "muted" }, t("among.hint")),
      rows,
      h("div", {}, h("button", { type: "button", onclick: () => addRow({ field: "", operator: "is", value: "" }).focus() }, t("among.add"))),
      h("label", { class: "choice" }, named, t("among.named_only")),
    ),
  );

  /** @param {Row} row */
  function addRow({ field, operator, value }) {
    const name = h("input", { value: field, "aria-label": t("among.field"), placeholder: t("among.field"), autocomplete: "off", spellcheck: "false", oninput: changed });
    const text = h("input", { value, "aria-label": t("among.value"), placeholder: t("among.value"), autocomplete: "off", spellcheck: "false", oninput: changed });
    const choice = h(
      "select",
      { "aria-label": t("among.operator"), value: OPERATORS.includes(operator) ? operator : "is", onchange: () => (draw(), changed()) },
      OPERATORS.map((one) => h("option", { value: one }, t(`among.operators.${one}`))),
    );
    const take = () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      changed();
      (next?.querySelector("input") ?? element.querySelector("button")).focus();
    };
    const row = h("div", { class: "among-row" }, name, choice, text, h("button", { type: "button", class: "quiet", onclick: take }, t("common.remove")));
    const draw = () => (text.hidden = WITHOUT_VALUE.has(choice.value));
    row.read = () => ({ field: name.value.trim(), operator: choice.value, value: text.value.trim() });
    draw();
    rows.append(row);
    return name;
  }

  const complete = () => [...rows.children].map((row) => row.read()).filter((row) => row.field && (row.value || WITHOUT_VALUE.has(row.operator)));

  function changed() {
    if (signal.aborted) return;
    const all = complete();
    setQuery({ galleries: [...chosen].join(","), among: all.length ? JSON.stringify(all.map(({ field, operator, value }) => [field, operator, value])) : null, named: named.checked ? "only" : null });
    draw();
    onChange();
  }

  function draw() {
    const count = complete().length + (named.checked ? 1 : 0) + (chosen.size > 0 ? 1 : 0);
    for (const box of boxes.querySelectorAll("input")) box.disabled = !box.checked && chosen.size >= MOST_GALLERIES - 1;
    active.hidden = count === 0;
    active.textContent = t("among.active", { count });
  }

  async function offerGalleries() {
    const others = (await loadGalleries({ recent: true })).filter((name) => name !== gallery);
    for (const name of chosen) if (!others.includes(name)) chosen.delete(name);
    const box = (name) =>
      h(
        "label",
        { class: "choice" },
        h("input", { type: "checkbox", checked: chosen.has(name), onchange: (event) => (chosen[event.target.checked ? "add" : "delete"](name), changed()) }),
        name,
      );
    boxes.append(...others.map(box));
    galleries.hidden = others.length === 0;
    draw();
  }

  if (can("read")) offerGalleries().catch(() => {}); // the page works without other galleries
  for (const row of rowsOf(query.get("among"))) addRow(row);
  element.open = rows.childElementCount > 0 || named.checked || chosen.size > 0;
  draw();
  return {
    element,
    key: () => JSON.stringify([[...chosen].sort(), filter()]),
    search() {
      const [among, names] = [filter(), [gallery, ...chosen]];
      return (image, options) =>
        names.length > 1
          ? identifyInSeveral(names, image, { ...options, among, metadata: true })
          : identify(gallery, image, { ...options, among, metadata: true });
    },
  };

  /** For the API; null: everybody. */
  function filter() {
    const conditions = complete().map(({ field, operator, value }) => ({ [field]: CONDITIONS[operator](value) }));
    const found = {};
    if (conditions.length) found.metadata = conditions.length === 1 ? conditions[0] : { $and: conditions };
    if (named.checked) found.anonymous = "exclude";
    return Object.keys(found).length ? found : null;
  }
}

/** What the address says; somebody may have written it by hand. @returns {Row[]} */
function rowsOf(text) {
  try {
    const all = JSON.parse(text ?? "[]");
    return all.map(([field, operator, value]) => ({ field: String(field), operator: String(operator), value: String(value) }));
  } catch {
    return [];
  }
}
