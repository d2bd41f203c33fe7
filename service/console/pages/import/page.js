// One import: how far it is, what was rejected and why, and what to do about it.

import { get, path, post, remove } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openReviews, reviewsNotice } from "../../components/open-reviews/open-reviews.js";
import { createProgress } from "../../components/progress/progress.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { duration, number, time } from "../../format.js";
import { poll } from "../../poll.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { uploadOf } from "../imports/uploads.js";
import { result, title } from "../imports/words.js";
import { nobodyOf, peopleWithoutPhotograph } from "./nobody.js";
import { createRejections } from "./rejections.js";
import { createSending } from "./sending.js";

const POLL_SECONDS = 1.5;
const OPEN = ["receiving", "enrolling"];

export async function show({ params, query, setQuery, setTitle, signal }) {
  const { gallery, id } = params;
  const base = path`v1/galleries/${gallery}/imports/${id}`;
  let job = await get(base, { signal });
  setTitle?.(title(job, time));

  const badge = h("span", { class: "badge" });
  const words = h("p", { class: "import-result", role: "status" });
  const progress = createProgress({ label: t("import.progress") });
  const counts = h("dl", { class: "import-counts" });
  const problem = h("div");
  const actions = h("div", { class: "actions" });
  const after = h("div", { class: "stack" });
  const sending = createSending({ gallery, id, signal, onChange: () => void asking.now() });
  const rejections = createRejections({ gallery, id, query, setQuery, signal });

  function draw() {
    const open = OPEN.includes(job.state);
    badge.textContent = t(`imports.states.${job.state}`);
    words.textContent = result(job);
    progress.element.hidden = !open;
    if (open) progress.set(share(job), progressWords(job));
    fill(counts, Object.entries(job.counts).filter(([, count]) => count > 0).map(countOf));
    fill(
      problem,
      job.problem && h("p", { class: "notice" }, t("import.problem", { problem: job.problem })),
      job.waits_for && h("p", { class: "notice" }, t("import.waits_for", { reason: job.waits_for })),
    );
    fill(actions, actionsOf(job, { gallery, base, act, signal }));
    sending.draw(job);
    rejections.draw(job);
    if (!open) void conclude();
  }

  /** What is left to do after its end. */
  async function conclude() {
    try {
      const [names, reviews] = await Promise.all([peopleWithoutPhotograph(job, signal), openReviews(gallery, signal)]);
      if (!OPEN.includes(job.state)) fill(after, job.people_by !== "nobody" && names?.length > 0 && nobodyOf(names), reviewsNotice(gallery, reviews));
    } catch (error) {
      if (error.name !== "AbortError") fill(after, errorLine(error));
    }
  }

  async function act(name) {
    try {
      job = await post(`${base}/${name}`, { signal });
      uploadOf(id)?.stop();
      draw();
      asking.wake();
    } catch (error) {
      fill(problem, errorLine(error));
    }
  }

  async function refresh() {
    job = await get(base, { signal });
    draw();
  }

  const asking = poll({ ask: refresh, seconds: () => (OPEN.includes(job.state) ? POLL_SECONDS : null), signal });
  draw();
  return h(
    "div",
    { class: "stack" },
    h(
      "header",
      { class: "page-head" },
      h("div", {}, h("h1", {}, title(job, time)), h("p", { class: "muted" }, t("import.into", { gallery, time: time(job.created_at) }))),
      badge,
    ),
    words,
    progress.element,
    sending.element,
    problem,
    counts,
    after,
    actions,
    rejections.element,
  );
}

function share({ counts, files, files_expected: expected }) {
  const total = Math.max(files, expected ?? 0);
  return total === 0 ? null : (files - counts.waiting) / total;
}

function progressWords(job) {
  const total = Math.max(job.files, job.files_expected ?? 0);
  const done = t("import.done_of", { done: job.files - job.counts.waiting, total });
  if (job.files_per_second === null || job.counts.waiting === 0) return done; // nothing goes on: files are missing
  const rate = t("import.rate", { rate: number(job.files_per_second, 1) });
  const left = job.seconds_left === null ? [] : [t("import.left", { time: duration(job.seconds_left) })];
  return [done, rate, ...left].join(", ");
}

const countOf = ([state, count]) => h("div", {}, h("dt", {}, t(`import.counts.${state}`)), h("dd", {}, number(count)));

function actionsOf(job, { gallery, base, act, signal }) {
  const unnamed = job.people_by === "nobody";
  const enrolled = unnamed ? job.counts.enrolled + job.counts.known > 0 : job.people_enrolled > 0;
  const show = { show: unnamed ? "unnamed" : null };
  const people = enrolled && h("a", { class: "button primary", href: link(path`/galleries/${gallery}/people`, show) }, t(unnamed ? "import.unnamed" : "import.people"));
  if (!can("enrol")) return [people];
  if (OPEN.includes(job.state)) return [people, h("button", { onclick: (event) => whileDisabled(event.currentTarget, () => act("cancel")) }, t("import.cancel"))];
  const erase = () => {
    go(path`/galleries/${gallery}/imports`);
    toast(t("import.deleted"), { undo: () => go(path`/galleries/${gallery}/imports/${job.id}`), whenGone: () => void remove(base) });
  };
  return [
    people,
    job.counts.failed > 0 && job.state === "done" && h("button", { onclick: (event) => whileDisabled(event.currentTarget, () => act("retry")) }, t("import.retry", { count: job.counts.failed })),
    job.reasons.several_faces > 0 &&
      h("a", { class: "button", href: link(path`/galleries/${gallery}/imports`, { several_faces: "subject" }) }, t("import.again_subject")),
    h("button", { class: "danger", "aria-describedby": "import-delete-hint", onclick: erase }, t("import.delete")),
    h("p", { class: "hint", id: "import-delete-hint" }, t("import.delete_hint")),
  ];
}
