// Groups the unnamed faces of a gallery, person by person: begins it, shows how far it is, and what came of it.

import { get, path, post } from "../../api.js";
import { fill, h } from "../../dom.js";
import { ago } from "../../format.js";
import { poll } from "../../poll.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { has, t } from "../../texts.js";
import { createProgress } from "../progress/progress.js";
import { errorLine } from "../states/states.js";

await styles("./grouping.css", import.meta.url);

const POLL_SECONDS = 1.5;
const OPEN = ["waiting", "running"];

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {AbortSignal} options.signal
 * @param {() => void} options.onDone the groups have changed
 * @returns {Promise<HTMLElement>} when it is known what the last grouping did
 */
export async function createGrouping({ gallery, signal, onDone }) {
  const url = path`v1/galleries/${gallery}/clusterings`;
  const joinGroups = h("input", { type: "checkbox" });
  const joinNamed = h("input", { type: "checkbox" });
  const start = h("button", { class: "primary", onclick: begin }, t("grouping.start"));
  const cancel = h("button", { hidden: true, onclick: stop }, t("common.cancel"));
  const progress = createProgress({ label: t("grouping.progress") });
  const words = h("p", { role: "status" });
  const problem = h("div");
  const options = h(
    "details",
    {},
    h("summary", {}, t("grouping.options")),
    h("label", { class: "choice" }, joinGroups, t("grouping.join_groups")),
    h("label", { class: "choice" }, joinNamed, t("grouping.join_named")),
  );
  let job = null;
  const asking = poll({ ask: refresh, seconds: () => (job && OPEN.includes(job.state) ? POLL_SECONDS : null), signal });

  function draw() {
    const open = job !== null && OPEN.includes(job.state);
    progress.element.hidden = !open;
    start.hidden = options.hidden = open || !can("enrol");
    cancel.hidden = !open || !can("enrol");
    if (open) progress.set(shareOf(job), t(has(`grouping.steps.${job.step}`) ? `grouping.steps.${job.step}` : "grouping.steps.waiting", job.figures));
    fill(words, job && !open && resultOf(job));
  }

  function resultOf({ state, figures, problem: why, ended_at: ended }) {
    if (state === "failed") return t("grouping.failed", { problem: why ?? "" });
    if (state === "cancelled") return t("grouping.cancelled");
    const { groups, grouped, joined, named, reviews } = figures;
    return [
      t("grouping.done", { ago: ago(ended), groups: t("grouping.groups", { count: groups }), faces: t("common.faces", { count: grouped }) }),
      ` ${t("grouping.joined", { count: joined })}`,
      named > 0 && ` ${t("grouping.named", { count: named })}`,
      reviews > 0 && [" ", h("a", { href: link(path`/galleries/${gallery}/reviews`) }, t("grouping.reviews", { count: reviews }))],
    ];
  }

  async function refresh() {
    job = await get(path`v1/galleries/${gallery}/clusterings/${job.id}`, { signal });
    draw();
    if (job.state === "done") onDone();
  }

  const act = async (action) => {
    fill(problem);
    start.disabled = cancel.disabled = true; // a double click asks once
    try {
      job = await action();
      draw();
      asking.wake();
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    } finally {
      start.disabled = cancel.disabled = false;
    }
  };
  function begin() {
    return act(() => post(url, { json: { join_groups: joinGroups.checked, join_named: joinNamed.checked }, signal }));
  }
  function stop() {
    return act(() => post(path`v1/galleries/${gallery}/clusterings/${job.id}/cancel`, { signal }));
  }

  const { clusterings } = await get(url, { query: { limit: 1 }, signal });
  job = clusterings[0] ?? null;
  draw();
  asking.wake();
  return h(
    "section",
    { class: "card grouping", "aria-label": t("grouping.title") },
    h("div", { class: "grouping-head" }, h("p", {}, t("grouping.intro")), h("div", { class: "actions" }, start, cancel)),
    progress.element,
    words,
    problem,
    options,
  );
}

/** Comparing takes nearly all of the time. */
const shareOf = ({ figures }) => (figures.faces > 0 ? figures.compared / figures.faces : null);
