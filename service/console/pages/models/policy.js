// How many false alarms the gallery allows: a sentence with a slider, saved by one button, with an undo.

import { get, patch, path } from "../../api.js";
import { createPolicySlider, oneAlarmIn } from "../../components/policy/policy.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { number } from "../../format.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const SIZES = [100, 1_000, 10_000, 100_000, 1_000_000];

export function policySection({ gallery, calibration, check, curve, query, setQuery, signal }) {
  const address = path`v1/galleries/${gallery.name}`;
  let saved = { own: gallery.identify_fpir, fpir: calibration.policy.fpir };
  const problem = h("div", { class: "policy-problem" });
  const slider = createPolicySlider({
    policies: calibration.policies,
    fpir: wanted(calibration.policies, query.get("fpir")) ?? saved.fpir,
    disabled: !can("operate"),
    onchange: changed,
  });
  const save = h("button", { class: "primary", onclick: () => store(slider.value().fpir) }, t("models.save"));
  const reset = h("button", { class: "quiet", onclick: () => slider.set(saved.fpir) }, t("models.reset"));

  function changed(policy) {
    curve.setThreshold(policy.threshold);
    setQuery({ fpir: policy.fpir === saved.fpir ? null : policy.fpir });
    fill(problem);
    buttons(policy);
  }

  function buttons(policy) {
    save.disabled = policy.fpir === saved.fpir || !policy.supported || !atPresentSize();
    reset.disabled = policy.fpir === saved.fpir;
  }

  /** @param {number | null} fpir null: as the server's settings say */
  async function store(fpir) {
    const before = saved;
    fill(problem);
    save.disabled = true;
    try {
      const { identify_fpir: own, identification } = await patch(address, { json: { identify_fpir: fpir }, signal });
      saved = { own, fpir: identification.fpir };
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
      return buttons(slider.value());
    }
    slider.set(saved.fpir);
    if (before.fpir !== saved.fpir) {
      toast(t("models.saved", { count: oneAlarmIn(saved.fpir) }), { undo: () => store(before.own) });
    }
  }

  const size = sizeChoice(gallery.faces, query, async (faces) => {
    setQuery({ faces });
    try {
      const { policies } = await get(`${address}/calibration`, { query: { faces }, signal });
      slider.setPolicies(policies);
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  });
  const atPresentSize = () => size.select.value === "";
  if (!atPresentSize()) size.select.dispatchEvent(new Event("change"));
  curve.setThreshold(slider.value().threshold);
  buttons(slider.value());
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "policy-title" },
    h("h2", { id: "policy-title" }, t("models.policy")),
    slider.element,
    size.element,
    problem,
    can("operate") ? h("div", { class: "actions" }, save, reset) : h("p", { class: "muted" }, t("models.read_only")),
    checkLine(check),
  );
}

const wanted = (policies, text) => policies.find(({ fpir }) => fpir === Number(text))?.fpir;

function sizeChoice(faces, query, onchange) {
  const select = h(
    "select",
    { id: "policy-size", value: query.get("faces") ?? "", onchange: () => onchange(select.value || null) },
    h("option", { value: "" }, t("models.now", { count: faces })),
    SIZES.filter((size) => size !== faces).map((size) => h("option", { value: size }, t("common.faces", { count: size }))),
  );
  if (select.selectedIndex < 0) select.value = "";
  return { select, element: h("div", { class: "field" }, h("label", { for: "policy-size" }, t("models.size_label")), select) };
}

/** Whether the searches so far agree with the promise. */
function checkLine({ verdict, warning, searches }) {
  if (verdict === "exceeded") return h("p", { class: "notice", role: "status" }, warning.charAt(0).toUpperCase() + warning.slice(1));
  return h("p", { class: "muted" }, t(`models.check_${verdict}`, { count: number(searches) }));
}
