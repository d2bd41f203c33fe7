// Groups the unnamed faces of a gallery, person by person.

import { path } from "../../api.js";
import { h } from "../../dom.js";
import { ago } from "../../format.js";
import { link } from "../../router.js";
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
  const job = await createGalleryJob({
    url: path`v1/galleries/${gallery}/clusterings`,
    list: "clusterings",
    words: {
      title: t("grouping.title"),
      intro: t("grouping.intro"),
      start: t("grouping.start"),
      progress: t("grouping.progress"),
      step: ({ step, figures }) => t(`grouping.steps.${STEPS[step?.split(":")[0]] ?? "waiting"}`, figures),
      result: (ended) => resultOf(gallery, ended),
    },
    body: () => ({ join_groups: joinGroups.checked, join_named: joinNamed.checked }),
    choices: h(
      "div",
      {},
      h("label", { class: "choice" }, joinGroups, t("grouping.join_groups")),
      h("label", { class: "choice" }, joinNamed, t("grouping.join_named")),
    ),
    signal,
    onDone,
  });
  return job.element;
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
