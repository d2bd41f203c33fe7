// On what the calibration was measured, and the button that measures it on the gallery's own people.

import { path, post } from "../../api.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { number, time } from "../../format.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const PEOPLE_NEEDED = 100;

/**
 * @param {{calibration: object, gallery: object, whenMeasured: () => void, signal: AbortSignal}} options
 *   `whenMeasured`: shows the page again
 */
export function measured({ calibration, gallery, whenMeasured, signal }) {
  const { measured: on } = calibration;
  const values = {
    people: t("common.people", { count: on.people ?? 0 }),
    comparisons: number(on.comparisons ?? 0),
    time: on.at && time(on.at),
  };
  return [
    h("p", {}, t(`models.measured_${on.on}`, values)),
    on.suspected_duplicates > 0 && h("p", {}, t("models.suspected", { count: on.suspected_duplicates })),
    can("operate") && measuring(gallery, on.on === "gallery", whenMeasured, signal),
  ];
}

function measuring(gallery, again, whenMeasured, signal) {
  if (gallery.identities < PEOPLE_NEEDED) return h("p", { class: "muted" }, t("models.advice_few", { count: gallery.identities }));
  const problem = h("div", { "aria-live": "polite" });
  const button = h(
    "button",
    {
      onclick: async () => {
        button.disabled = true;
        fill(problem, h("p", { class: "muted" }, t("models.measuring")));
        try {
          await post(path`v1/galleries/${gallery.name}/calibration`, { signal });
          whenMeasured();
        } catch (error) {
          button.disabled = false;
          if (error.name !== "AbortError") fill(problem, errorLine(error));
        }
      },
    },
    t(again ? "models.measure_again" : "models.measure"),
  );
  return h("div", { class: "stack" }, h("div", { class: "actions" }, button), problem);
}
