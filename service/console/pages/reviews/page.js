// Reviews: pairs of people who may be one, decided one after the other, with one key each.

import { announce } from "../../announcer.js";
import { get, path, post } from "../../api.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { emptyState, errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createDuplicateSearch } from "./duplicates.js";
import { preload, showPair } from "./pair.js";

const LIMIT = 10;
const KEYS = { s: "same", d: "different", l: "later", u: "undo" };

export async function show({ params, query, signal, setQuery }) {
  const { gallery } = params;
  const url = path`v1/galleries/${gallery}/reviews`;
  const allowed = can("enrol");
  /** @type {any[]} the first is shown */
  let waiting = [];
  let cursor = null;
  /** @type {{review: any, decision: string}[]} what was done here, the last one last */
  const done = [];
  let busy = false;

  const pair = h("div");
  const problem = h("div");
  const left = h("p", { class: "muted", role: "status" });
  const buttons = Object.fromEntries(
    ["same", "different", "later", "undo"].map((action) => {
      const [key] = Object.entries(KEYS).find(([, one]) => one === action);
      const button = h(
        "button",
        { class: action === "undo" ? "quiet" : "", "aria-keyshortcuts": key, onclick: () => act(action) },
        t(`reviews.${action}`),
        h("kbd", {}, key.toUpperCase()),
      );
      return [action, button];
    }),
  );
  const actions = h("div", { class: "actions review-actions", hidden: !allowed }, Object.values(buttons));

  async function load() {
    const page = await get(url, { query: { state: "open", limit: LIMIT, cursor }, signal });
    const known = new Set([...waiting, ...done.map(({ review }) => review)].map(({ id }) => id));
    waiting.push(...page.reviews.filter(({ id }) => !known.has(id)));
    cursor = page.next_cursor;
  }

  /** Pairs that are new come after those that are shown. */
  async function loadAgain() {
    cursor = null;
    try {
      await load();
      draw();
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }

  function draw() {
    const [review] = waiting;
    setQuery({ review: review?.id ?? null });
    buttons.undo.disabled = done.length === 0;
    for (const action of ["same", "different", "later"]) buttons[action].hidden = !review;
    left.textContent = review ? t(cursor ? "reviews.left_more" : "reviews.left", { count: waiting.length }) : "";
    actions.hidden = !allowed || (!review && done.length === 0);
    fill(pair, review ? showPair(gallery, review) : nothing(gallery, done.length > 0));
    preload(gallery, waiting.slice(1, 3));
  }

  async function act(action) {
    if (busy || (action !== "undo" && waiting.length === 0)) return;
    busy = true;
    fill(problem);
    try {
      if (action === "undo") await undo();
      else await decide(action);
      if (waiting.length < 4 && cursor !== null) await load();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.code === "review_decided" || error.code === "review_not_found") waiting.shift(); // by somebody else
      fill(problem, errorLine(error));
    } finally {
      busy = false;
    }
    if (!signal.aborted) draw();
  }

  async function decide(decision) {
    const [review] = waiting;
    if (decision !== "later") await post(`${url}/${review.id}/${decision}`, { signal });
    waiting.shift();
    done.push({ review, decision });
    if (decision === "same") await askAgain(review);
    const words = t(`reviews.done_${decision}`, { one: nameOf(review.identity), other: nameOf(review.other) });
    announce(words);
    if (decision !== "later") toast(words, { undo: () => undoOne(done.findIndex((one) => one.review === review)) });
  }

  /** The pairs that wait and have somebody in common with `review`, whose two people were merged or parted. */
  async function askAgain({ identity, other }) {
    const both = [identity.id, other.id];
    const shared = (review) => both.includes(review.identity.id) || both.includes(review.other.id);
    const found = await Promise.all(waiting.map((review) => (shared(review) ? get(`${url}/${review.id}`, { signal }).catch(() => review) : review)));
    waiting = found.filter(({ state }) => state === "open");
  }

  const undo = () => undoOne(done.length - 1, true);

  /** Takes back one decision, and shows its pair again. */
  async function undoOne(index, inside = false) {
    if (index < 0) return;
    const [{ review, decision }] = done.splice(index, 1);
    try {
      const again = decision === "later" ? review : await post(`${url}/${review.id}/reopen`);
      if (decision === "same") await askAgain(review);
      waiting.unshift(again);
      announce(t("reviews.reopened"));
    } catch (error) {
      if (inside) throw error;
      fill(problem, errorLine(error));
    }
    if (!inside && !signal.aborted) draw();
  }

  document.addEventListener(
    "keydown",
    (event) => {
      const action = KEYS[event.key.toLowerCase()];
      const elsewhere = event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("input, textarea, select, dialog");
      if (!action || !allowed || elsewhere || event.repeat) return;
      event.preventDefault();
      act(action);
    },
    { signal },
  );

  const [duplicates] = await Promise.all([createDuplicateSearch({ gallery, signal, onDone: loadAgain }), load()]);
  const asked = query.get("review");
  if (asked) await showFirst(asked);
  draw();
  return h(
    "div",
    { class: "stack reviews-page" },
    h("div", { class: "page-head" }, h("h1", {}, t("titles.reviews")), left),
    problem,
    pair,
    actions,
    duplicates,
  );

  /** The review of the address comes first, if it is open. */
  async function showFirst(id) {
    const known = waiting.findIndex((review) => review.id === id);
    const [review] = known < 0 ? [await get(`${url}/${encodeURIComponent(id)}`, { signal }).catch(() => null)] : waiting.splice(known, 1);
    if (review?.state === "open") waiting.unshift(review);
  }
}

const nothing = (gallery, decided) =>
  emptyState({
    title: t(decided ? "reviews.all_done" : "reviews.empty"),
    text: t("reviews.empty_text"),
    actions: [
      h("a", { class: "button", href: link(path`/galleries/${gallery}`) }, t("reviews.open_settings")),
      h("a", { class: "button", href: link(path`/galleries/${gallery}/people`) }, t("reviews.open_people")),
    ],
  });
