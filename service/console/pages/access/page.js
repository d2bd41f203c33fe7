// Access: API keys, who has them and what they may do.

import { pages } from "../../api.js";
import { createTable } from "../../components/data-table/data-table.js";
import { emptyState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { ago, time } from "../../format.js";
import { link } from "../../router.js";
import { current } from "../../session.js";
import { t } from "../../texts.js";
import { openKey, stateBadge } from "./key.js";
import { openNew } from "./new-key.js";
import { galleriesOf, limitsOf } from "./words.js";

export async function show({ query, setQuery, signal }) {
  let keys = [];
  const filter = h("input", { id: "find-key", type: "search", value: query.get("q") ?? "", oninput: () => (setQuery({ q: filter.value }), draw()) });
  const ended = h("input", { type: "checkbox", checked: query.get("ended") === "yes", onchange: () => (setQuery({ ended: ended.checked ? "yes" : null }), draw()) });
  const place = h("div");
  const table = createTable({
    caption: t("access.keys"),
    columns: columns(),
    sorted: query.get("sort") ?? "",
    whenSorted: (sort) => setQuery({ sort }),
  });

  async function load() {
    const found = [];
    for await (const page of pages("v1/keys", "keys", { query: { limit: 1000 }, signal })) found.push(...page);
    keys = found.reverse(); // the newest first
    draw();
  }

  function draw() {
    const text = filter.value.trim().toLowerCase();
    const shown = keys.filter((key) => (ended.checked || key.state === "active") && matches(key, text));
    table.set(shown);
    if (keys.length === 0) fill(place, emptyState({ title: t("access.empty"), text: t("access.empty_text") }));
    else fill(place, shown.length ? table.element : h("p", {}, t("access.no_match")));
  }

  function columns() {
    return [
      {
        title: t("access.name"),
        main: true,
        sort: (key) => key.name.toLowerCase(),
        cell: (key) => [
          h("a", { href: link("/access", { ...Object.fromEntries(query), key: key.id }), onclick: (event) => choose(event, key) }, key.name),
          key.id === current()?.key_id && h("span", { class: "badge match own" }, t("access.own")),
        ],
      },
      { title: t("access.roles"), cell: (key) => key.roles.map((role) => t(`access.role.${role}`)).join(", ") },
      { title: t("access.galleries"), cell: (key) => galleriesOf(key) },
      { title: t("access.limits"), cell: (key) => limitsOf(key) },
      { title: t("access.last_used"), sort: (key) => moment(key.last_used_at), cell: (key) => (key.last_used_at ? ago(key.last_used_at) : t("access.not_used")) },
      { title: t("access.expires"), sort: (key) => moment(key.expires_at), cell: (key) => (key.expires_at ? time(key.expires_at) : t("access.never")) },
      { title: t("access.state"), sort: (key) => key.state, cell: stateBadge },
    ];
  }

  function choose(event, key) {
    event.preventDefault();
    open(key);
  }

  function open(key) {
    setQuery({ key: key.id }, { replace: false });
    openKey(key, { signal, whenChanged: load, whenClosed: () => setQuery({ key: null }) });
  }

  const own = () => keys.find(({ id }) => id === current()?.key_id);

  await load();
  const chosen = keys.find(({ id }) => id === query.get("key"));
  if (chosen) requestAnimationFrame(() => open(chosen));
  const create = h("button", { class: "primary", onclick: () => openNew({ signal, whenChanged: load, first: keys.length === 0, latest: own()?.expires_at ?? null }) }, t("access.new"));
  return h(
    "div",
    { class: "stack" },
    h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("titles.access")), h("p", { class: "muted" }, t("access.intro"))), create),
    !current().sign_in_required && h("p", { class: "notice" }, t("access.open")),
    h(
      "div",
      { class: "filters" },
      h("div", { class: "field" }, h("label", { for: "find-key" }, t("access.find")), filter),
      h("label", { class: "choice" }, ended, t("access.show_ended")),
    ),
    place,
  );
}

const matches = (key, text) => [key.name, key.prefix, key.id, ...key.roles, ...(key.galleries ?? [])].some((part) => part.toLowerCase().includes(text));
const moment = (text) => (text ? Date.parse(text) : null);
