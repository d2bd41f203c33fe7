// Jobs that run or wait for somebody: re-indexes, with their progress.

import { get } from "../../api.js";
import { createProgress } from "../../components/progress/progress.js";
import { emptyState } from "../../components/states/states.js";
import { h } from "../../dom.js";
import { duration } from "../../format.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";
import { createSection } from "./section.js";

const EVERY_SECONDS = 5;
const ENDED = new Set(["done", "cancelled"]);

/** @param {AbortSignal} signal */
export function createJobs(signal) {
  return createSection({
    title: t("operations.jobs"),
    everySeconds: EVERY_SECONDS,
    signal,
    ask: async () => {
      const { reindexes } = await get("v1/reindexes", { query: { limit: 50 }, signal });
      const open = reindexes.filter(({ state }) => !ENDED.has(state));
      return () => (open.length ? h("ul", { class: "plain stack" }, open.map(reindex)) : emptyState({ title: t("operations.no_jobs"), text: t("operations.no_jobs_text") }));
    },
  });
}

function reindex({ id, gallery, to_model, state, paused, problem, faces, done, seconds_left }) {
  const word = problem ? "stopped" : paused ? "paused" : state;
  const progress = createProgress({ label: t("operations.reindex", { gallery, model: to_model }) });
  const left = seconds_left ? ` ${t("operations.left", { time: duration(seconds_left) })}` : "";
  progress.set(faces ? done / faces : 0, t("operations.done", { done, faces }) + left);
  return h(
    "li",
    { class: "card" },
    h(
      "p",
      {},
      h("a", { "data-key": id, href: link(`/galleries/${encodeURIComponent(gallery)}/models/jobs/${id}`) }, t("operations.reindex", { gallery, model: to_model })),
      " ",
      h("span", { class: `badge ${problem ? "danger" : paused ? "unsure" : ""}` }, t(`operations.jobs_states.${word}`)),
    ),
    problem && h("p", {}, problem),
    progress.element,
  );
}
