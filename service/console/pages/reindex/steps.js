// The way of a change of model, with the place where it is.

import { h } from "../../dom.js";
import { t } from "../../texts.js";

const STEPS = ["embedding", "building", "comparing", "ready", "active", "done"];

/** Marks the job's step in the list of all steps. */
export function stepList({ state }) {
  if (state === "cancelling" || state === "cancelled") return null;
  const place = STEPS.indexOf(state === "cleaning" ? "done" : state);
  return h(
    "ol",
    { class: "plain steps", "aria-label": t("reindex.steps") },
    STEPS.map((step, i) =>
      h(
        "li",
        {
          class: i < place || state === "done" ? "past" : i === place ? "present" : "future",
          "aria-current": i === place && state !== "done" ? "step" : null,
        },
        h("span", { class: "step-mark", "aria-hidden": "true" }, i < place || state === "done" ? "✓" : i + 1),
        t(`reindex.step_${step}`),
        (i < place || state === "done") && h("span", { class: "visually-hidden" }, t("reindex.step_past")),
      ),
    ),
  );
}
