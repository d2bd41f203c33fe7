// People: everybody in the gallery, as a grid of crops that is searched, scrolled and selected from.

import { get, path } from "../../api.js";
import { onRemoval } from "../../components/removal/removal.js";
import { errorLine, emptyState } from "../../components/states/states.js";
import { createVirtualGrid, PAGE_SIZE } from "../../components/virtual-grid/virtual-grid.js";
import { fill, h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createPersonCell } from "./cell.js";
import { createPhotoSearch } from "./photo-search.js";
import { createSelection } from "./selection.js";

const TYPING_MS = 150;

export async function show({ params, query, signal, setQuery }) {
  const { gallery } = params;
  const url = path`v1/galleries/${gallery}/identities`;
  let asked = new AbortController();
  let timer = 0;

  const input = h("input", {
    id: "people-q",
    type: "search",
    value: query.get("q") ?? "",
    autocomplete: "off",
    "aria-describedby": "people-q-hint",
    oninput: () => (clearTimeout(timer), (timer = setTimeout(search, TYPING_MS))),
    onkeydown: (event) => event.key === "ArrowDown" && (event.preventDefault(), grid.focus(grid.focused)),
  });
  const order = h(
    "select",
    { id: "people-order", value: query.get("order") ?? "newest", onchange: search },
    ["newest", "oldest"].map((value) => h("option", { value }, t(`people.${value}`))),
  );
  const counted = h("p", { class: "muted people-count", role: "status" });
  const problem = h("div");
  const nobody = h("div");
  const selection = createSelection({ gallery, signal, onChange: () => grid.draw(), onDone: search });
  const grid = createVirtualGrid({
    label: t("titles.people"),
    createCell: () => createPersonCell({ gallery, selection }),
    cellWidth: 148,
    textHeight: 60,
    signal,
    load: async (offset, limit, own) => (await get(url, { query: { ...asking(), offset, limit }, signal: own })).identities,
    onError: (error) => fill(problem, errorLine(error)),
    onKey: (event, person) => {
      if (event.key === " " && person && selection.allowed) {
        event.preventDefault();
        selection.toggle(person);
      } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey) {
        input.focus(); // the character goes into the field
      }
    },
  });

  const asking = () => ({ q: input.value.trim(), order: order.value, max_faces: 1 });

  /** Shows who matches what is typed now. */
  async function search() {
    asked.abort();
    const own = (asked = new AbortController());
    setQuery({ q: input.value.trim(), order: order.value === "newest" ? null : order.value });
    try {
      const page = await get(url, {
        query: { ...asking(), limit: PAGE_SIZE, with_total: true },
        signal: AbortSignal.any([signal, own.signal]),
      });
      fill(problem);
      show(page);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (signal.aborted) throw error;
      fill(problem, errorLine(error));
    }
  }

  function show({ identities, total }) {
    const q = input.value.trim();
    if (enrolLink) enrolLink.hidden = total === 0; // the empty page has it in the middle
    counted.textContent = t(q ? "people.count_found" : "common.people", { count: total });
    grid.element.hidden = total === 0;
    fill(nobody, total === 0 && (q ? noneFound(q) : noneEnrolled(gallery)));
    grid.reset(total, identities);
  }

  const enrolLink =
    can("enrol") &&
    can("identify") &&
    h("a", { class: "button", href: link(path`/galleries/${gallery}/identify`, { enrol: "on" }) }, t("people.empty_photo"));
  onRemoval(search, signal);
  const byPhoto = can("identify") && createPhotoSearch({ gallery, signal, open: query.has("photo"), setQuery });
  const first = await get(url, { query: { ...asking(), limit: PAGE_SIZE, with_total: true }, signal });
  const element = h(
    "div",
    { class: "people-page" },
    h("div", { class: "page-head" }, h("h1", {}, t("titles.people")), counted),
    h(
      "div",
      { class: "people-tools" },
      h(
        "div",
        { class: "field people-search" },
        h("label", { for: "people-q" }, t("people.search")),
        input,
        h("p", { class: "hint", id: "people-q-hint" }, t("people.search_hint")),
      ),
      h("div", { class: "field" }, h("label", { for: "people-order" }, t("people.order")), order),
      byPhoto && byPhoto.button,
      enrolLink,
    ),
    byPhoto && byPhoto.element,
    problem,
    nobody,
    grid.element,
    selection.element,
  );
  show(first);
  return element;
}

const noneFound = (q) => emptyState({ title: t("people.nobody_found", { q }), text: t("people.nobody_found_text") });

const noneEnrolled = (gallery) =>
  emptyState({
    title: t("people.empty"),
    text: t(can("enrol") ? "people.empty_text" : "people.empty_read"),
    actions: can("enrol") && [
      can("identify") &&
        h("a", { class: "button primary", href: link(path`/galleries/${gallery}/identify`, { enrol: "on" }) }, t("people.empty_photo")),
      h("a", { class: "button", href: link(path`/galleries/${gallery}/imports`) }, t("people.empty_import")),
    ],
  });
