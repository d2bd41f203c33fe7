// One change of model: where it is, how far it has got, both models compared, and what a person may do.

import { get, path } from "../../api.js";
import { openReviews, reviewsNotice } from "../../components/open-reviews/open-reviews.js";
import { createProgress } from "../../components/progress/progress.js";
import { errorLine } from "../../components/states/states.js";
import { announce } from "../../announcer.js";
import { fill, h } from "../../dom.js";
import { duration, number, time } from "../../format.js";
import { Problem } from "../../problem.js";
import { poll } from "../../poll.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { modelName, muchWorse } from "../models/words.js";
import { actions } from "./actions.js";
import { disagreements, gates, rates } from "./comparison.js";
import { stepList } from "./steps.js";

const WORKING = new Set(["embedding", "building", "comparing", "cleaning", "cancelling"]);
const ENDED = new Set(["done", "cancelled"]);
const HELP_AFTER_MS = 8_000;
const stateOf = ({ state, paused, problem }) => (problem ? "stopped" : paused ? "paused" : state);

export async function show({ params, signal }) {
  const address = path`v1/reindexes/${params.id}`;
  const [first, { models }] = await Promise.all([get(address, { signal }), get("v1/models", { signal })]);
  const names = { old: modelName(first.from_model, models), new: modelName(first.to_model, models) };
  if (names.old === names.new) Object.assign(names, { old: first.from_model, new: first.to_model });
  const page = h("div", { class: "stack reindex-page" });
  const progress = createProgress({ label: t("reindex.step_embedding") });
  const offline = h("div");
  let job = first;
  let comparison = null;
  const reviews = await openReviews(first.gallery, signal);
  const worse = muchWorse(first.from_model, first.to_model, models);
  let drawn = "";
  let workedAt = performance.now();

  async function update(after) {
    if (after.done !== job.done || after.workers > 0) workedAt = performance.now();
    const before = stateOf(job);
    job = after;
    comparison ??= await compared(address, job, signal);
    if (before !== stateOf(job)) announce(t(`reindex.title_${titleOf(job)}`, { old: names.old, new: names.new }));
    draw();
  }

  /** After a command, whose button is gone: the focus goes to what the job is now. */
  async function acted(after) {
    await update(after);
    polling.wake();
    const title = page.querySelector("#state-title");
    title.setAttribute("tabindex", "-1");
    title.focus({ preventScroll: true });
  }

  function draw() {
    measureProgress();
    const key = [stateOf(job), job.state, job.rolled_back, job.events.length, comparison === null].join();
    if (key === drawn) return;
    drawn = key;
    const focused = page.contains(document.activeElement) ? document.activeElement.textContent : null;
    fill(page, content());
    if (focused) focusAgain(page, focused);
  }

  function measureProgress() {
    if (!WORKING.has(job.state)) return;
    const waits = job.state === "embedding" && job.workers === 0 && performance.now() - workedAt > HELP_AFTER_MS;
    const share = job.state === "embedding" && job.faces ? job.done / job.faces : null;
    progress.set(share, waits ? t("reindex.no_worker") : progressWords(job));
  }

  function content() {
    const failed = comparison?.gates.some(({ passed }) => !passed) ?? false;
    const running = WORKING.has(job.state) && !job.paused && !job.problem;
    return [
      h(
        "header",
        {},
        h("p", {}, h("a", { href: link(path`/galleries/${job.gallery}/models`) }, t("reindex.back", { gallery: job.gallery }))),
        h("h1", {}, t("reindex.heading", { old: names.old, new: names.new })),
      ),
      stepList(job),
      h(
        "section",
        { class: "card stack", "aria-labelledby": "state-title" },
        h("h2", { id: "state-title" }, t(`reindex.title_${titleOf(job)}`, { old: names.old, new: names.new })),
        h("p", {}, t(`reindex.text_${textOf(job, failed)}`, { old: names.old, new: names.new })),
        job.problem && h("p", { class: "notice" }, job.problem),
        running && h("div", { class: "reindex-progress" }, progress.element),
        job.state === "ready" && worse && h("p", { class: "notice" }, worse),
        can("operate") && actions(job, { names, failed, changed: acted, signal }),
        offline,
      ),
      comparison && [reviewsNotice(job.gallery, reviews, t("reindex.reviews_spoil")), gates(comparison), rates(comparison, names), disagreements(comparison, names, job.gallery)],
      skipped(job),
      history(job),
    ];
  }

  comparison = await compared(address, job, signal);
  draw();
  const polling = poll({
    signal,
    seconds: () => (ENDED.has(job.state) ? null : WORKING.has(job.state) && !job.paused && !job.problem ? 1 : 10),
    ask: async () => {
      try {
        await update(await get(address, { signal }));
        fill(offline);
      } catch (error) {
        if (error.name === "AbortError") return;
        if (!(error instanceof Problem)) console.warn("change of model not shown:", error.message);
        fill(offline, errorLine(error));
      }
    },
  });
  return page;
}

/** The comparison; null before there is one. */
async function compared(address, { state, verified }, signal) {
  if (verified === null || state === "comparing" || state === "building") return null;
  try {
    return await get(`${address}/comparison`, { signal });
  } catch (error) {
    if (error.code === "reindex_state") return null;
    throw error;
  }
}

const titleOf = (job) => (stateOf(job) === "ready" && job.rolled_back ? "rolled_back" : stateOf(job));
const textOf = (job, failed) => (titleOf(job) === "ready" && failed ? "ready_failed" : titleOf(job));

function progressWords({ state, done, faces, faces_per_second: speed, seconds_left: left }) {
  if (state !== "embedding") return t(`reindex.doing_${state}`);
  const parts = [t("reindex.faces", { done: number(done), faces: number(faces) })];
  if (speed) parts.push(t("reindex.speed", { speed: number(speed, speed < 10 ? 1 : 0) }));
  if (left) parts.push(t("reindex.left", { time: duration(left) }));
  return parts.join(", ");
}

function focusAgain(page, text) {
  [...page.querySelectorAll("button, a, summary")].find((element) => element.textContent === text)?.focus({ preventScroll: true });
}

function skipped({ skipped: faces, gallery }) {
  if (faces.length === 0) return null;
  return h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("reindex.skipped", { count: faces.length })),
    h(
      "ul",
      {},
      faces.slice(0, 50).map(({ identity, why }) =>
        h("li", {}, h("a", { href: link(path`/galleries/${gallery}/people/${identity}`) }, t("reindex.skipped_person")), ": ", why),
      ),
    ),
  );
}

const history = ({ events }) =>
  h(
    "details",
    { class: "card" },
    h("summary", {}, t("reindex.history")),
    h("ol", { class: "plain events" }, events.map(({ at, text }) => h("li", {}, h("span", { class: "muted" }, time(at)), " ", text))),
  );
