// The audit record: who did what to whom, and when, by filters that are in the address.

import { get } from "../../api.js";
import { createTable } from "../../components/data-table/data-table.js";
import { emptyState } from "../../components/states/states.js";
import { h } from "../../dom.js";
import { timeWithSeconds } from "../../format.js";
import { link } from "../../router.js";
import { current } from "../../session.js";
import { t } from "../../texts.js";
import { createFilters, FIELDS } from "./filters.js";
import { callerOf, eventInWords } from "./words.js";

const ROWS = 50;

export async function show({ query, signal }) {
  if (current().galleries !== null) {
    return h("div", {}, h("h1", {}, t("titles.audit")), emptyState({ title: t("audit.some_galleries"), text: t("audit.some_galleries_text") }));
  }
  const chosen = Object.fromEntries(FIELDS.map((name) => [name, query.get(name) ?? ""]).filter(([, value]) => value));
  const cursor = query.get("cursor");
  const asked = { ...chosen, since: moment(chosen.since), until: moment(chosen.until), cursor, limit: ROWS };
  const page = await get("v1/audit", { query: asked, signal });
  const table = createTable({ caption: t("audit.caption"), columns: columns(chosen) });
  table.set(page.events);
  const at = (changes) => link("/access/audit", { ...chosen, ...changes });
  return h(
    "div",
    { class: "stack" },
    h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("titles.audit")), h("p", { class: "muted" }, t("audit.intro")))),
    createFilters(chosen, { signal }),
    page.events.length ? table.element : emptyState({ title: t("audit.empty"), text: t("audit.empty_text") }),
    h(
      "nav",
      { class: "actions", "aria-label": t("audit.pages") },
      cursor && h("a", { class: "button", href: at({}) }, t("audit.newest")),
      page.next_cursor && h("a", { class: "button", href: at({ cursor: page.next_cursor }) }, t("audit.older")),
    ),
  );
}

function columns(chosen) {
  const only = (changes, text, name) => h("a", { class: "only", href: link("/access/audit", { ...chosen, ...changes }), title: t("audit.only", { name }) }, text);
  return [
    { title: t("audit.what"), main: true, cell: (event) => h("a", { href: link(`/access/audit/${event.id}`) }, eventInWords(event)) },
    { title: t("audit.when"), cell: (event) => h("time", { datetime: event.at }, timeWithSeconds(event.at)) },
    { title: t("audit.caller"), cell: ({ caller }) => only({ caller: caller.key_id ?? caller.name }, callerOf(caller), caller.name) },
    { title: t("audit.gallery"), cell: ({ gallery }) => gallery && only({ gallery }, gallery, gallery) },
    { title: t("audit.identity"), cell: ({ identity_id }) => identity_id && only({ identity: identity_id }, h("code", {}, identity_id.slice(-8)), identity_id) },
  ];
}

/** A day or a time in the reader's zone, as the API wants it. */
function moment(text) {
  const date = new Date(text?.length === 10 ? `${text}T00:00` : text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
