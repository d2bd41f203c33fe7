// People: everybody in the gallery, as a grid of crops that is searched, scrolled, named and selected from.

import { get, path } from "../../api.js";
import { createGrouping } from "../../components/grouping/grouping.js";
import { createSuggestions } from "../../components/naming/suggestions.js";
import { onRemoval } from "../../components/removal/removal.js";
import { errorLine } from "../../components/states/states.js";
import { createVirtualGrid, PAGE_SIZE } from "../../components/virtual-grid/virtual-grid.js";
import { fill, h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createPersonCell } from "./cell.js";
import { nobodyIn } from "./empty.js";
import { createHiding } from "./hiding.js";
import { createPhotoSearch } from "./photo-search.js";
import { createSelection } from "./selection.js";
import { viewLinks, viewOf, VIEWS } from "./views.js";

const TYPING_MS = 150;

export async function show({ params, query, signal, setQuery }) {
  const { gallery } = params;
  const url = path`v1/galleries/${gallery}/identities`;
  const view = viewOf(query);
  const { orders, searched } = VIEWS[view];
  const naming = view === "unnamed";
  let asked = new AbortController();
  let timer = 0;
  let total = 0;
  /** @type {Set<string>} ids of those who are still shown, but have a name by now, or are hidden */
  const gone = new Set();

  const input = h("input", {
    id: "people-q",
    type: "search",
    value: (searched && query.get("q")) || "",
    autocomplete: "off",
    "aria-describedby": "people-q-hint",
    oninput: () => (clearTimeout(timer), (timer = setTimeout(search, TYPING_MS))),
    onkeydown: (event) => event.key === "ArrowDown" && (event.preventDefault(), grid.focus(grid.focused)),
  });
  const order = h(
    "select",
    { id: "people-order", value: orders.includes(query.get("order")) ? query.get("order") : orders[0], onchange: search },
    orders.map((value) => h("option", { value }, t(`people.${value}`))),
  );
  const counted = h("p", { class: "muted people-count", role: "status" });
  const problem = h("div");
  const nobody = h("div");
  const suggestions = createSuggestions({ label: t("people.found") });
  const hiding = createHiding({ gallery, hidden: view === "hidden", onChange: redraw });
  const selection = createSelection({ gallery, hiding, signal, onChange: () => grid.draw(), onDone: search });
  const grid = createVirtualGrid({
    label: t("titles.people"),
    createCell: () => createPersonCell({ gallery, selection, hiding, naming: naming ? { suggestions, signal, onNamed, onUndone, onSkip } : null }),
    cellWidth: 148,
    textHeight: naming ? 74 : 60,
    signal,
    load: async (offset, limit, own) => (await get(url, { query: { ...asking(), offset, limit }, signal: own })).identities,
    onError: (error) => fill(problem, errorLine(error)),
    onKey: (event, person) => {
      if (event.key === " " && person && selection.allowed) {
        event.preventDefault();
        selection.toggle(person);
      } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.altKey && !event.metaKey) {
        (naming ? grid.field() : input)?.focus(); // the character goes into the field
      }
    },
  });
  const onSkip = () => grid.focusNextField();

  /** The person stays in place, by the new name, until the page is shown again: nothing jumps. */
  function onNamed(person, named) {
    Object.assign(person, { name: named.name, external_id: named.external_id, anonymous: false });
    if (named.id !== person.id) person.merged_into = named.id;
    redraw([person]);
    grid.focusNextField();
  }
  function onUndone(person) {
    Object.assign(person, { name: null, external_id: null, anonymous: true });
    delete person.merged_into;
    redraw([person]);
  }
  /** @param {any[]} people who belong to this view no more, or again */
  function redraw(people) {
    for (const person of people) {
      if (person.left || (naming && !person.anonymous)) gone.add(person.id);
      else gone.delete(person.id);
    }
    count();
    grid.draw();
  }
  function count() {
    const q = input.value.trim();
    counted.textContent = t(q ? "people.count_found" : "common.people", { count: total - gone.size });
  }

  const asking = () => ({ ...VIEWS[view].query, q: input.value.trim(), order: order.value, max_faces: 1 });
  const firstPage = (own) => get(url, { query: { ...asking(), limit: PAGE_SIZE, with_total: true }, signal: own });

  /** Shows who matches what is typed now. */
  async function search() {
    asked.abort();
    const own = (asked = new AbortController());
    setQuery({ q: input.value.trim(), order: order.value === orders[0] ? null : order.value });
    try {
      const page = await firstPage(AbortSignal.any([signal, own.signal]));
      fill(problem);
      show(page);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (signal.aborted) throw error;
      fill(problem, errorLine(error));
    }
  }

  function show(page) {
    const q = input.value.trim();
    total = page.total;
    gone.clear();
    count();
    if (enrolLink) enrolLink.hidden = total === 0; // the empty page has it in the middle
    grid.element.hidden = total === 0;
    fill(nobody);
    if (total === 0) nobodyIn({ gallery, view, q, signal }).then((words) => fill(nobody, words), () => {});
    grid.reset(total, page.identities);
  }

  const enrolLink =
    view === "named" &&
    can("enrol") &&
    can("identify") &&
    h("a", { class: "button", href: link(path`/galleries/${gallery}/identify`, { enrol: "on" }) }, t("people.empty_photo"));
  onRemoval(() => search(), signal);
  const byPhoto = searched && can("identify") && createPhotoSearch({ gallery, signal, open: query.has("photo"), setQuery });
  const [first, grouping] = await Promise.all([firstPage(signal), naming && createGrouping({ gallery, signal, onDone: search })]);
  const element = h(
    "div",
    { class: "people-page" },
    h("div", { class: "page-head" }, h("h1", {}, t("titles.people")), counted),
    viewLinks(gallery, view),
    h(
      "div",
      { class: "people-tools" },
      searched
        ? h(
            "div",
            { class: "field people-search" },
            h("label", { for: "people-q" }, t("people.search")),
            input,
            h("p", { class: "hint", id: "people-q-hint" }, t("people.search_hint")),
          )
        : h("p", { class: "people-search muted" }, t("people.unnamed_intro")),
      h("div", { class: "field" }, h("label", { for: "people-order" }, t("people.order")), order),
      byPhoto && byPhoto.button,
      enrolLink,
    ),
    byPhoto && byPhoto.element,
    grouping,
    problem,
    nobody,
    grid.element,
    selection.element,
    suggestions.element,
  );
  show(first);
  return element;
}
