// All galleries, and a new one.

import { pages, path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { emptyState, errorLine } from "../../components/states/states.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { openTransfer } from "./transfer.js";

export async function show({ query, setQuery, signal }) {
  const galleries = [];
  for await (const page of pages("v1/galleries", "galleries", { signal })) galleries.push(...page);
  const list = h("ul", { class: "plain grid" });
  const filter = h("input", {
    id: "filter",
    type: "search",
    value: query.get("q") ?? "",
    oninput: () => (setQuery({ q: filter.value }), draw()),
  });

  function draw() {
    const text = filter.value.trim().toLowerCase();
    const found = galleries.filter(({ name }) => name.includes(text));
    fill(list, found.length ? found.map(card) : h("li", {}, t("galleries.no_match", { text })));
  }
  draw();

  const create = can("operate") && h("button", { class: "primary", onclick: () => openNew(signal) }, t("galleries.new"));
  const names = galleries.map(({ name }) => name);
  const transfer = can("export") && can("operate") && h("button", { onclick: () => openTransfer({ galleries: names, signal }) }, t("transfer.title"));
  const head = h(
    "header",
    { class: "page-head" },
    h("div", {}, h("h1", {}, t("titles.galleries")), h("p", { class: "muted" }, t("galleries.intro"))),
    galleries.length > 0 && h("div", { class: "actions" }, transfer, create),
  );
  if (galleries.length === 0) {
    return h("div", {}, head, emptyState({ title: t("galleries.empty"), text: t("galleries.empty_text"), actions: [create, transfer] }));
  }
  return h(
    "div",
    { class: "stack" },
    head,
    galleries.length > 6 && h("div", { class: "field" }, h("label", { for: "filter" }, t("galleries.filter")), filter),
    list,
  );
}

function card({ name, identities, faces, identification }) {
  const counts = t("galleries.counts", {
    people: t("common.people", { count: identities }),
    faces: t("common.faces", { count: faces }),
  });
  const page = can("identify") ? "identify" : "people";
  return h(
    "li",
    { class: "card gallery-card" },
    h("h2", {}, h("a", { href: link(path`/galleries/${name}/${page}`) }, name)),
    h("p", {}, counts),
    identification && h("p", { class: "muted" }, identification.model),
  );
}

function openNew(signal) {
  const name = h("input", { id: "new-name", required: true, autocomplete: "off", "aria-describedby": "new-name-hint" });
  const problem = h("div");
  const button = h("button", { class: "primary", type: "submit" }, t("common.create"));
  const form = h(
    "form",
    { class: "stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, create)) },
    h(
      "div",
      { class: "field" },
      h("label", { for: "new-name" }, t("galleries.name")),
      name,
      h("p", { class: "hint", id: "new-name-hint" }, t("galleries.name_hint")),
    ),
    problem,
    h("div", { class: "actions" }, button),
  );

  async function create() {
    try {
      await post("v1/galleries", { json: { name: name.value.trim() }, signal });
    } catch (error) {
      fill(problem, error.status === 422 ? h("p", { class: "error-line", role: "alert" }, t("galleries.bad_name")) : errorLine(error));
      return name.focus();
    }
    dialog.close();
    go(path`/galleries/${name.value.trim()}/people`);
    toast(t("galleries.created", { name: name.value.trim() })); // on the page that is shown next
  }

  const dialog = openDialog({ title: t("galleries.new"), content: form, signal });
  name.focus();
}
