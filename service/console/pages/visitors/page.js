// Unknown visitors: who was seen and matched nobody, the one who was seen last first. They are named or forgotten.

import { get, path, remove } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { faceCrop } from "../../components/face-crop/face-crop.js";
import { createNaming } from "../../components/naming/naming.js";
import { createSuggestions } from "../../components/naming/suggestions.js";
import { isLeaving, onRemoval, removeLater } from "../../components/removal/removal.js";
import { emptyState, errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { ago, number, time } from "../../format.js";
import { getGallery } from "../../layout/gallery-picker.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const LIMIT = 60;

export async function show({ params, signal }) {
  const { gallery } = params;
  const url = path`v1/galleries/${gallery}/visitors`;
  const list = h("ul", { class: "plain visitor-list" });
  const counted = h("p", { class: "muted", role: "status" });
  const nobody = h("div");
  const problem = h("div");
  const more = h("button", { hidden: true, onclick: () => whileDisabled(more, load).catch(failed) }, t("visitors.more"));
  const forgetAll = h("button", { class: "danger", onclick: () => openForget({ url, total: left(), signal, onDone: restart }) }, t("visitors.forget_all"));
  const suggestions = createSuggestions({ label: t("people.found") });
  let cursor = null;
  /** By the server; those whom this page has named are not among them. */
  let total = 0;
  /** @type {Map<string, ReturnType<typeof createCard>>} by the path of the person */
  const cards = new Map();
  /** Without those who are forgotten when their message closes. */
  const left = () => total - [...cards.keys()].filter(isLeaving).length;

  const failed = (error) => error.name !== "AbortError" && fill(problem, errorLine(error));

  async function load() {
    const page = await get(url, { query: { limit: LIMIT, cursor }, signal });
    for (const visitor of page.visitors) {
      const card = createCard({ gallery, visitor, suggestions, signal, onNamed: () => (total--, draw()), onUndone: () => (total++, draw()) });
      cards.set(card.path, card);
      list.append(card.element);
    }
    cursor = page.next_cursor;
    total = page.total;
    draw();
  }

  function draw() {
    for (const [path_, { element }] of cards) element.hidden = isLeaving(path_);
    more.hidden = cursor === null;
    forgetAll.hidden = left() === 0 || !can("enrol");
    counted.textContent = t("visitors.count", { count: left() });
    fill(nobody, left() === 0 && emptyState({ title: t("visitors.empty"), text: t(remembered ? "visitors.empty_text" : "visitors.off_text") }));
  }

  function restart() {
    list.replaceChildren();
    cards.clear();
    cursor = null;
    load().catch(failed);
  }

  const policy = await getGallery(gallery, { signal });
  const remembered = policy.remember_unknown;
  await load();
  onRemoval((path_, state) => {
    const card = cards.get(path_);
    if (card && state === "removed") {
      card.element.remove();
      cards.delete(path_);
      total--;
    }
    draw();
  }, signal);
  return h(
    "div",
    { class: "stack visitors-page" },
    h("div", { class: "page-head" }, h("h1", {}, t("titles.visitors")), counted),
    h(
      "p",
      { class: remembered ? "muted" : "notice" },
      remembered ? t("visitors.on", { days: daysOf(policy.visitor_lifetime_hours), count: policy.max_visitors }) : t("visitors.off"),
      " ",
      h("a", { href: link(path`/galleries/${gallery}`) }, t("visitors.settings")),
    ),
    problem,
    nobody,
    list,
    h("div", { class: "actions" }, more, forgetAll),
    suggestions.element,
  );
}

const daysOf = (hours) => number(hours / 24, hours % 24 ? 1 : 0);

/** @returns {{element: HTMLElement, path: string}} */
function createCard({ gallery, visitor, suggestions, signal, onNamed, onUndone }) {
  const url = path`v1/galleries/${gallery}/identities/${visitor.id}`;
  const said = h("p", { class: "visitor-said", hidden: true });
  const naming = createNaming({
    gallery,
    suggestions,
    signal,
    onNamed: (_, named) => {
      naming.field.hidden = forget.hidden = true;
      said.hidden = false;
      fill(said, h("a", { href: link(path`/galleries/${gallery}/people/${named.id}`) }, named.name ?? named.external_id));
      onNamed();
      const [next] = [...element.parentElement.children].slice([...element.parentElement.children].indexOf(element) + 1).map((one) => one.querySelector(".naming:not([hidden])")).filter(Boolean);
      next?.focus();
    },
    onUndone: async () => {
      naming.field.hidden = forget.hidden = false;
      const now = await get(url);
      said.hidden = now.last_seen_at !== null;
      if (said.hidden) onUndone();
      else fill(said, t("visitors.unnamed_again"));
    },
  });
  naming.show(visitor);
  const seen = time(visitor.last_seen_at);
  const forget = h("button", { "aria-label": t("visitors.forget_one", { time: seen }), onclick: (event) => event.detail < 2 && forgetOne() }, t("visitors.forget"));
  const href = link(path`/galleries/${gallery}/people/${visitor.id}`);
  const element = h(
    "li",
    { class: "card visitor" },
    h("a", { href, "aria-label": t("visitors.open", { time: seen }) }, faceCrop({ gallery, identity: visitor, size: 128, wide: true })),
    h("p", {}, h("strong", {}, t("visitors.last", { ago: ago(visitor.last_seen_at) })), h("span", { class: "muted" }, t("visitors.first", { time: time(visitor.created_at) })), can("audit") && h("a", { href, "aria-label": t("visitors.sightings_of", { time: seen }) }, t("visitors.sightings"))),
    can("enrol") && naming.field,
    said,
    can("enrol") && h("div", { class: "actions" }, forget),
  );

  /** Not for the second click of a double click: the next visitor has moved under the pointer. */
  function forgetOne() {
    const next = (element.nextElementSibling ?? element.previousElementSibling)?.querySelector("a, button");
    removeLater({
      path: url,
      text: t("visitors.forgetting"),
      hide: () => next?.focus(),
      show: () => {},
    });
  }
  return { element, path: url };
}

/** Cannot be undone, and may concern thousands: so it is asked. */
function openForget({ url, total, signal, onDone }) {
  const problem = h("div");
  const button = h("button", { class: "danger", onclick: forget }, t("visitors.forget_count", { count: total }));

  async function forget() {
    button.disabled = true;
    try {
      const { forgotten } = await remove(url, { signal });
      dialog.close();
      toast(t("visitors.forgotten", { count: forgotten }));
      onDone();
    } catch (error) {
      button.disabled = false;
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }

  const dialog = openDialog({
    title: t("visitors.forget_all"),
    content: h("div", { class: "stack" }, h("p", {}, t("visitors.forget_text", { count: total })), problem),
    actions: [button, h("button", { onclick: () => dialog.close() }, t("common.cancel"))],
    signal,
  });
}
