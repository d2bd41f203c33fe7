// One event of the audit record; of a search, also why its answer was what it was.

import { get, path } from "../../api.js";
import { h } from "../../dom.js";
import { timeWithSeconds } from "../../format.js";
import { link } from "../../router.js";
import { current } from "../../session.js";
import { t } from "../../texts.js";
import { callerOf, eventInWords } from "../audit/words.js";
import { explanation } from "./explanation.js";

const SEARCHES = ["search.identified", "search.searched", "search.verified"];

export async function show({ params, signal, setTitle }) {
  const event = await getEvent(params.id, signal);
  const isSearch = event === null || SEARCHES.includes(event.action);
  const title = event === null ? t("event.search") : eventInWords(event);
  setTitle(title);
  return h(
    "div",
    { class: "stack" },
    h("header", {}, h("p", {}, h("a", { href: link("/access/audit") }, t("event.back"))), h("h1", {}, title)),
    event?.action === "search.disputed" && disputedSearch(event.details),
    isSearch && (await explanation(params.id, { signal })),
    event && h("section", { class: "card stack" }, h("h2", {}, t("event.record")), figures(event)),
    event && h("details", { class: "card" }, h("summary", {}, t("event.details")), h("pre", { class: "event-details", tabindex: "0" }, JSON.stringify(event.details, null, 2))),
  );
}

/** Where what was said can be taken back. */
const disputedSearch = ({ audit_id: id, withdrawn }) =>
  h("p", { class: "card" }, h("a", { href: link(`/access/audit/${id}`) }, t("event.to_search")), !withdrawn && [" ", t("event.to_withdraw")]);

/** Null: a key for some galleries sees their searches, and not the record. */
const getEvent = async (id, signal) => (current().galleries === null ? get(path`v1/audit/${id}`, { signal }) : null);

function figures(event) {
  const { caller, gallery, identity_id: person } = event;
  const rows = [
    [t("audit.when"), h("time", { datetime: event.at }, timeWithSeconds(event.at))],
    [t("audit.caller"), h("a", { href: link("/access/audit", { caller: caller.key_id ?? caller.name }) }, callerOf(caller))],
    [t("event.action"), h("code", {}, event.action)],
    gallery && [t("audit.gallery"), h("a", { href: link(path`/galleries/${gallery}/people`) }, gallery)],
    person && [
      t("audit.identity"),
      gallery ? h("a", { href: link(path`/galleries/${gallery}/people/${person}`) }, person) : person,
    ],
    event.request_id && [t("event.request"), h("code", {}, event.request_id)],
    [t("event.number"), event.number],
    [t("event.hash"), h("code", {}, event.hash)],
  ];
  return h("dl", { class: "figures" }, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}
