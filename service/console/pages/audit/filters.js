// The filters of the audit record: a form that makes an address.

import { get } from "../../api.js";
import { h } from "../../dom.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { actionInWords, ACTIONS } from "./words.js";

/** As the API and the address call them. */
export const FIELDS = ["action", "gallery", "identity", "caller", "request_id", "since", "until"];

/**
 * @param {Record<string, string>} chosen
 * @param {{signal: AbortSignal}} options
 */
export function createFilters(chosen, { signal }) {
  const names = h("datalist", { id: "audit-galleries" });
  if (can("read")) {
    get("v1/galleries", { signal }).then(
      (page) => names.append(...page.galleries.map(({ name }) => h("option", { value: name }))),
      () => {}, // the names are typed then
    );
  }
  const text = (name, options = {}) => h("input", { id: `audit-${name}`, name, type: "search", value: chosen[name] ?? "", autocomplete: "off", ...options });
  const controls = {
    action: h(
      "select",
      { id: "audit-action", name: "action", value: chosen.action ?? "" },
      h("option", { value: "" }, t("audit.every_action")),
      nouns().map((noun) =>
        h(
          "optgroup",
          { label: t(`audit.nouns.${noun}`) },
          h("option", { value: noun }, t("audit.all_of", { noun: t(`audit.nouns.${noun}`) })),
          ACTIONS.filter((action) => nounOf(action) === noun).map((action) => h("option", { value: action }, actionInWords(action))),
        ),
      ),
    ),
    gallery: text("gallery", { list: "audit-galleries", maxlength: 63 }),
    identity: text("identity", { maxlength: 36, pattern: "[0-9a-fA-F-]{36}", title: t("audit.identity_hint") }),
    caller: text("caller", { maxlength: 255 }),
    request_id: text("request_id", { maxlength: 128 }),
    since: text("since", { type: "datetime-local" }),
    until: text("until", { type: "datetime-local" }),
  };

  function apply(event) {
    event.preventDefault();
    go("/access/audit", Object.fromEntries(FIELDS.map((name) => [name, controls[name].value.trim()])));
  }

  const form = h(
    "form",
    { class: "audit-filters", role: "search", onsubmit: apply },
    FIELDS.map((name) => h("div", { class: "field" }, h("label", { for: `audit-${name}` }, t(`audit.${name}`)), controls[name])),
    names,
    h(
      "div",
      { class: "actions" },
      h("button", { class: "primary", type: "submit" }, t("audit.apply")),
      Object.keys(chosen).length > 0 && h("a", { class: "button", href: link("/access/audit") }, t("audit.clear")),
    ),
  );
  const open = Object.keys(chosen).length > 0 || matchMedia("(width >= 50rem)").matches;
  return h("details", { class: "card", open }, h("summary", {}, t("audit.filters")), form);
}

const nounOf = (action) => action.split(".")[0];
const nouns = () => [...new Set(ACTIONS.map(nounOf))];
