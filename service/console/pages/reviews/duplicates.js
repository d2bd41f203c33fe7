// Searches the whole gallery for people who are enrolled twice: each pair becomes a review.

import { path } from "../../api.js";
import { createGalleryJob } from "../../components/gallery-job/gallery-job.js";
import { h } from "../../dom.js";
import { ago } from "../../format.js";
import { t } from "../../texts.js";

/** By the API's names. */
const STEPS = { "opening the index": "opening", comparing: "comparing", "adding reviews": "adding" };
const FPIRS = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {AbortSignal} options.signal
 * @param {() => void} options.onDone there are new reviews
 * @returns {Promise<HTMLElement>} when it is known what the last search found
 */
export async function createDuplicateSearch({ gallery, signal, onDone }) {
  const id = "duplicates-fpir";
  const fpir = h(
    "select",
    { id },
    h("option", { value: "" }, t("duplicates.as_set")),
    FPIRS.map((value) => h("option", { value }, t("duplicates.one_in", { count: Math.round(1 / value) }))),
  );
  return createGalleryJob({
    url: path`v1/galleries/${gallery}/duplicate-searches`,
    list: "duplicate_searches",
    words: {
      title: t("duplicates.title"),
      intro: t("duplicates.intro"),
      start: t("duplicates.start"),
      progress: t("duplicates.progress"),
      step: ({ step, figures }) => t(`duplicates.steps.${STEPS[step?.split(":")[0]] ?? "waiting"}`, figures),
      result: resultOf,
    },
    body: () => ({ fpir: fpir.value ? Number(fpir.value) : null }),
    choices: h("div", { class: "field" }, h("label", { for: id }, t("duplicates.strictness")), fpir, h("p", { class: "hint" }, t("duplicates.strictness_hint"))),
    signal,
    onDone,
  });
}

function resultOf({ state, figures, problem, ended_at: ended }) {
  if (state === "failed") return t("duplicates.failed", { problem: problem ?? "" });
  if (state === "cancelled") return t("duplicates.cancelled");
  const { people, pairs, reviews, expected_false_pairs: wrong } = figures;
  const parts = [t("duplicates.done", { ago: ago(ended), people: t("common.people", { count: people }), pairs: t("duplicates.pairs", { count: pairs }) })];
  if (pairs > 0) parts.push(t("duplicates.reviews", { count: reviews }));
  if (pairs > 0 && wrong !== null) parts.push(wrong < 1 ? t("duplicates.expected_none") : t("duplicates.expected", { count: Math.round(wrong) }));
  return parts.join(" ");
}
