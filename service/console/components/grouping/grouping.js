// Groups the unnamed faces of a gallery, person by person.

import { path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { h } from "../../dom.js";
import { ago } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createGalleryJob } from "../gallery-job/gallery-job.js";

/** By the API's names. */
const STEPS = { reading: "reading", comparing: "comparing", joining: "joining", "comparing with people who have names": "names" };

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {AbortSignal} options.signal
 * @param {() => void} options.onDone the groups have changed
 * @returns {Promise<HTMLElement>} when it is known what the last grouping did
 */
export async function createGrouping({ gallery, signal, onDone }) {
  const joinGroups = h("input", { type: "checkbox" });
  const joinNamed = h("input", { type: "checkbox" });
  const url = path`v1/galleries/${gallery}/clusterings`;
  return createGalleryJob({
    url,
    list: "clusterings",
    words: {
      title: t("grouping.title"),
      intro: t("grouping.intro"),
      start: t("grouping.start"),
      progress: t("grouping.progress"),
      step: (job) => (job.undo ? t("grouping.undoing", job.undo) : t(`grouping.steps.${STEPS[job.step?.split(":")[0]] ?? "waiting"}`, job.figures)),
      result: (job) => (job.undo ? undoneOf(job) : resultOf(gallery, job)),
    },
    body: () => ({ join_groups: joinGroups.checked, join_named: joinNamed.checked }),
    choices: h(
      "div",
      {},
      h("label", { class: "choice" }, joinGroups, t("grouping.join_groups")),
      h("label", { class: "choice" }, joinNamed, t("grouping.join_named")),
    ),
    share: (job) => (job.undo ? job.undo.undone / Math.max(1, changesOf(job)) : job.figures.faces > 0 ? job.figures.compared / job.figures.faces : null),
    further(job, act) {
      if (job.undo || job.dry_run || changesOf(job) === 0 || !can("enrol")) return null;
      const button = h("button", { onclick: () => whileDisabled(button, () => act(() => post(`${url}/${job.id}/undo`, { signal }))) }, t("grouping.undo"));
      return button;
    },
    signal,
    onDone,
  });
}

/** How many people became part of another one. */
const changesOf = ({ figures }) => figures.joined + figures.named;

function undoneOf({ state, undo, problem, ended_at: ended }) {
  if (state === "failed") return t("grouping.undo_failed", { problem: problem ?? "" });
  const kept = undo.kept_named + undo.kept_merged + undo.kept_split + undo.kept_deleted;
  const words = t("grouping.undone", { ago: ago(ended), count: undo.undone });
  return kept > 0 ? `${words} ${t("grouping.kept", { count: kept })}` : words;
}

function resultOf(gallery, { state, figures, problem, ended_at: ended }) {
  if (state === "failed") return t("grouping.failed", { problem: problem ?? "" });
  if (state === "cancelled") return t("grouping.cancelled");
  const { groups, grouped, joined, named, reviews } = figures;
  return [
    t("grouping.done", { ago: ago(ended), groups: t("grouping.groups", { count: groups }), faces: t("common.faces", { count: grouped }) }),
    ` ${t("grouping.joined", { count: joined })}`,
    named > 0 && ` ${t("grouping.named", { count: named })}`,
    reviews > 0 && [" ", h("a", { href: link(path`/galleries/${gallery}/reviews`) }, t("grouping.reviews", { count: reviews }))],
  ];
}
