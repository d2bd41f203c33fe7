// Jobs that run or wait for somebody: re-indexes and imports, with their progress.

import { get, path } from "../../api.js";
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
      const [{ reindexes }, { imports }] = await Promise.all([
        get("v1/reindexes", { query: { limit: 50 }, signal }),
        get("v1/imports", { query: { limit: 50 }, signal }),
      ]);
      const open = reindexes.filter(({ state }) => !ENDED.has(state));
      const jobs = [...open.map(reindex), ...imports.map(importJob)];
      return () => (jobs.length ? h("ul", { class: "plain stack" }, jobs) : emptyState({ title: t("operations.no_jobs"), text: t("operations.no_jobs_text") }));
    },
  });
}

function reindex({ id, gallery, to_model, state, paused, problem, faces, done, seconds_left }) {
  const word = problem ? "stopped" : paused ? "paused" : state;
  const progress = createProgress({ label: t("operations.reindex", { gallery, model: to_model }) });
  const left = seconds_left ? ` ${t("operations.left", { time: duration(seconds_left) })}` : "";
  progress.set(faces ? done / faces : 0, t("operations.done", { done, faces }) + left);
  return job({
    href: link(path`/galleries/${gallery}/models/jobs/${id}`),
    title: t("operations.reindex", { gallery, model: to_model }),
    kind: problem ? "danger" : paused ? "unsure" : "",
    word,
    problem,
    progress,
  });
}

function importJob({ id, gallery, name, state, problem, files, files_expected, counts, summary, seconds_left }) {
  const title = name ? t("operations.import_named", { gallery, name }) : t("operations.import", { gallery });
  const progress = createProgress({ label: title });
  const all = Math.max(files, files_expected ?? 0);
  const left = seconds_left ? ` ${t("operations.left", { time: duration(seconds_left) })}` : "";
  progress.set(all ? (files - counts.waiting) / all : null, `${summary}.${left}`);
  return job({
    href: link(path`/galleries/${gallery}/imports/${id}`),
    title,
    kind: problem ? "danger" : "",
    word: problem ? "stopped" : state,
    problem,
    progress,
  });
}

const job = ({ href, title, kind, word, problem, progress }) =>
  h(
    "li",
    { class: "card" },
    h("p", {}, h("a", { "data-key": href, href }, title), " ", h("span", { class: `badge ${kind}` }, t(`operations.jobs_states.${word}`))),
    problem && h("p", {}, problem),
    progress.element,
  );
