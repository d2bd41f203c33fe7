// The last warnings and errors of all processes, each with its request.

import { get } from "../../api.js";
import { emptyState } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { h } from "../../dom.js";
import { ago } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createSection } from "./section.js";

const EVERY_SECONDS = 10;
const AT_ONCE = 20;
const AROUND_MS = 10 * 60 * 1000;

/**
 * @param {AbortSignal} signal
 * @param {URLSearchParams} query `level`: only errors
 * @param {(changes: object) => void} setQuery
 */
export function createErrors(signal, query, setQuery) {
  let limit = AT_ONCE;
  let level = query.get("level") === "error" ? "error" : null;
  const section = createSection({
    title: t("operations.errors"),
    hint: t("operations.errors_hint"),
    everySeconds: EVERY_SECONDS,
    signal,
    ask: async () => {
      const page = await get("v1/errors", { query: { limit, level }, signal });
      return () => draw(page);
    },
  });
  const only = h("input", {
    type: "checkbox",
    checked: level === "error",
    onchange: () => ((level = only.checked ? "error" : null), setQuery({ level }), section.now()),
  });
  section.element.querySelector("header").append(h("label", { class: "choice" }, only, t("operations.only_errors")));

  function draw({ errors, next_cursor }) {
    if (!errors.length) return emptyState({ title: t("operations.no_errors"), text: t("operations.no_errors_text") });
    return [
      h("ol", { class: "plain logged-errors" }, errors.map(item)),
      next_cursor && h("button", { "data-key": "more-errors", onclick: () => ((limit = Math.min(1000, limit * 2)), section.now()) }, t("operations.more")),
    ];
  }

  return section;
}

function item({ number, at, host, pid, level, code, message, request_id, suppressed }) {
  return h(
    "li",
    { class: "card logged-error" },
    h(
      "p",
      { class: "logged-head" },
      h("span", { class: `badge ${level === "error" ? "danger" : "unsure"}` }, t(`operations.logged.${level}`)),
      h("time", { datetime: at, title: at }, ago(at)),
      h("span", { class: "muted" }, t("operations.process", { host, pid: String(pid) })),
      code && h("code", {}, code),
    ),
    h("p", { class: "logged-message" }, message),
    suppressed > 0 && h("p", { class: "muted" }, t("operations.suppressed", { count: suppressed })),
    request_id && request(number, request_id, at),
  );
}

function request(number, id, at) {
  const from = new Date(at).getTime();
  const around = { request_id: id, since: local(from - AROUND_MS), until: local(from + AROUND_MS) };
  return h(
    "p",
    { class: "logged-request" },
    h("span", { class: "muted" }, t("operations.request")),
    h("code", {}, id),
    h("button", { "data-key": `copy ${number}`, "aria-label": t("operations.copy_of", { id }), onclick: () => copy(id) }, t("operations.copy")),
    can("audit") && h("a", { "data-key": `audit ${number}`, href: link("/access/audit", around) }, t("operations.audit")),
  );
}

/** As fields for a time have it, in the reader's zone: the record is searched by time, and then by request. */
function local(ms) {
  const shifted = new Date(ms - new Date(ms).getTimezoneOffset() * 60 * 1000);
  return shifted.toISOString().slice(0, 16);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(t("operations.copied"));
  } catch {
    toast(t("operations.not_copied"), { kind: "error" }); // without HTTPS a browser may refuse
  }
}
