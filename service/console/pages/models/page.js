// The gallery's model, what its scores mean, the policy, and the way to another model.

import { get, path } from "../../api.js";
import { createCurve } from "../../components/curve/curve.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";
import { changeSection, openJob } from "./change.js";
import { measured } from "./measured.js";
import { modelCard } from "./model.js";
import { policySection } from "./policy.js";

export async function show(context) {
  const page = h("div", { class: "stack models-page" }, await content(context, whenMeasured));

  async function whenMeasured() {
    fill(page, await content(context, whenMeasured));
    toast(t("models.measured"));
    page.querySelector("#calibration-title").focus();
  }

  return page;
}

async function content({ params, query, signal, setQuery }, whenMeasured) {
  const name = params.gallery;
  const of = (rest) => get(`${path`v1/galleries/${name}`}${rest}`, { signal });
  const [gallery, calibration, check, { models }, { reindexes: jobs }] = await Promise.all([
    of(""),
    of("/calibration"),
    of("/fpir-check"),
    get("v1/models", { signal }),
    get("v1/reindexes", { query: { gallery: name }, signal }),
  ]);
  const curve = createCurve({ calibration });
  const model = models.find(({ fingerprint }) => fingerprint === calibration.model);
  return [
    h("header", {}, h("h1", {}, t("titles.models")), h("p", { class: "muted" }, t("models.intro"))),
    openJob(jobs, models),
    policySection({ gallery, calibration, check, curve, query, setQuery, signal }),
    h(
      "section",
      { class: "card stack", "aria-labelledby": "calibration-title" },
      h("h2", { id: "calibration-title", tabindex: -1 }, t("models.calibration")),
      measured({ calibration, gallery, whenMeasured, signal }),
      curve.element,
    ),
    modelCard(calibration.model, model),
    changeSection({ gallery, calibration, models, jobs, query, setQuery, signal }),
  ];
}
