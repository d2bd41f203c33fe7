// The way to another model: the models there are, what a change takes, its start; and the changes so far.

import { path, post } from "../../api.js";
import { createProgress } from "../../components/progress/progress.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { bytes, duration, time } from "../../format.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { criterion } from "../reindex/words.js";
import { missesInWords, modelName, muchWorse } from "./words.js";

const OPEN = new Set(["embedding", "building", "comparing", "ready", "active", "cleaning", "cancelling"]);
const jobLink = (job) => link(path`/galleries/${job.gallery}/models/jobs/${job.id}`);
export const openOf = (jobs) => jobs.find(({ state }) => OPEN.has(state));

/** A line about the change that is going on, if there is one. */
export function openJob(jobs, models) {
  const job = openOf(jobs);
  if (!job) return null;
  return h(
    "p",
    { class: "notice" },
    t(`models.job_${job.problem ? "stopped" : job.state}`, { model: modelName(job.to_model, models) }),
    " ",
    h("a", { href: jobLink(job) }, t("models.job_show")),
  );
}

export function changeSection({ gallery, calibration, models, jobs, query, setQuery, signal }) {
  const plan = h("div", { class: "plan", "aria-live": "polite" });
  const offered = models.filter(({ fingerprint, superseded }) => fingerprint !== calibration.model && !superseded);

  async function choose(model) {
    setQuery({ to: model.name });
    const progress = createProgress({ label: t("models.planning", { model: model.name }) });
    progress.set(null, t("models.planning_text", { model: model.name }));
    fill(plan, progress.element, startButton({ gallery: gallery.name, model, words: t("models.start_now"), signal }));
    try {
      const found = await post("v1/reindexes/plan", { json: { gallery: gallery.name, to: model.name }, signal });
      fill(plan, planCard(found, model, muchWorse(calibration.model, model.fingerprint, models), signal));
    } catch (error) {
      if (error.name !== "AbortError") fill(plan, errorLine(error));
    }
  }

  const absent = offered.filter(({ available }) => !available);
  const option = (model) => choice(model, model.name === query.get("to"), () => choose(model));
  const chosen = offered.find((model) => model.name === query.get("to") && model.available);
  const possible = can("operate") && !openOf(jobs) && gallery.faces > 0;
  if (possible && chosen) choose(chosen);
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "change-title" },
    h("h2", { id: "change-title" }, t("models.change")),
    h("p", {}, t("models.change_text")),
    gallery.faces === 0 && h("p", { class: "muted" }, t("models.nobody")),
    openOf(jobs) && h("p", { class: "muted" }, t(openOf(jobs).state === "active" ? "models.one_at_a_time_active" : "models.one_at_a_time", { model: modelName(openOf(jobs).from_model, models) })),
    possible &&
      h(
        "fieldset",
        { class: "stack" },
        h("legend", {}, t("models.choose")),
        h("div", { class: "grid" }, offered.filter(({ available }) => available).map(option)),
      ),
    plan,
    possible && absent.length > 0 && h("details", {}, h("summary", {}, t("models.absent", { count: absent.length })), h("div", { class: "grid" }, absent.map(option))),
    history(jobs, models),
  );
}

function choice(model, checked, onchange) {
  const id = `to-${model.fingerprint}`;
  const figure = model.figures.find(({ fmr }) => fmr === 0.001);
  return h(
    "div",
    { class: "model-choice" },
    h(
      "label",
      { class: "choice", for: id },
      h("input", { type: "radio", name: "to", id, value: model.name, checked, disabled: !model.available, onchange, "aria-describedby": `${id}-text` }),
      model.name,
      model.recommended && h("span", { class: "badge match" }, t("models.recommended")),
    ),
    h(
      "div",
      { id: `${id}-text` },
      h("p", {}, t("models.misses", { share: missesInWords(figure?.misses) })),
      h("p", { class: "muted" }, model.licence, ". ", model.source, "."),
      !model.available &&
        h("p", {}, t("models.not_here", { size: bytes(model.download_bytes) }), " ", h("code", {}, `gemel models fetch ${model.name}`)),
    ),
  );
}

/** What the change takes, and the button that starts it. */
function planCard(plan, model, worse, signal) {
  const short = plan.shortages.length > 0;
  const unclear = plan.gates.filter(({ measurable }) => !measurable);
  return h(
    "div",
    { class: "stack plan-card" },
    h("h3", {}, t("models.plan", { model: model.name })),
    h(
      "ul",
      {},
      h("li", {}, plan.seconds === null ? t("models.plan_time_unknown") : t("models.plan_time", { faces: t("common.faces", { count: plan.faces }), time: duration(Math.max(1, plan.seconds)) })),
      h("li", {}, t("models.plan_room", { disk: bytes(plan.disk_bytes), memory: bytes(plan.memory_bytes) })),
      h("li", {}, t("models.plan_meanwhile")),
      h("li", {}, t("models.plan_after")),
      plan.faces_without_crop > 0 && h("li", {}, t("models.plan_without_crop", { count: plan.faces_without_crop })),
    ),
    plan.shortages.map((shortage) => h("p", { class: "notice" }, t("models.plan_shortage", { shortage }))),
    unclear.map((gate) =>
      h("p", { class: "notice" }, t("models.plan_unclear", { gate: criterion(gate.gate), count: gate.people, needed: gate.people_needed })),
    ),
    worse && h("p", { class: "notice" }, worse),
    startButton({ gallery: plan.gallery, model, primary: true, force: short, words: t(short ? "models.start_anyway" : "models.start", { model: model.name }), signal }),
  );
}

/** Starts the change, and says beside it why it could not. */
function startButton({ gallery, model, words, primary = false, force = false, signal }) {
  const problem = h("div");
  const start = h(
    "button",
    {
      class: primary ? "primary" : "",
      onclick: async () => {
        start.disabled = true;
        try {
          const job = await post("v1/reindexes", { json: { gallery, to: model.name, force }, signal });
          go(`${path`/galleries/${gallery}/models/jobs/${job.id}`}`);
        } catch (error) {
          start.disabled = false;
          if (error.name !== "AbortError") fill(problem, errorLine(error));
        }
      },
    },
    words,
  );
  return h("div", {}, problem, h("div", { class: "actions" }, start));
}

function history(jobs, models) {
  if (jobs.length === 0) return h("p", { class: "muted" }, t("models.no_history"));
  return h(
    "div",
    {},
    h("h3", {}, t("models.history")),
    h(
      "ul",
      { class: "plain job-list" },
      jobs.map((job) =>
        h(
          "li",
          {},
          h("a", { href: jobLink(job) }, t("models.from_to", { from: modelName(job.from_model, models), to: modelName(job.to_model, models) })),
          h("span", { class: "badge" }, t(`reindex.state_${job.problem ? "stopped" : job.state}`)),
          h("span", { class: "muted" }, time(job.started_at)),
        ),
      ),
    ),
  );
}
