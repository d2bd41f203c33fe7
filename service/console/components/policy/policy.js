// The policy slider: how many false alarms a gallery allows, and what follows from that.

import { fill, h } from "../../dom.js";
import { number, percent, score } from "../../format.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./policy.css", import.meta.url);

let count = 0;

/**
 * @param {object} options
 * @param {object[]} options.policies as in `GET /v1/galleries/{gallery}/calibration`, from lax to strict
 * @param {number} options.fpir the policy to begin with, one of them
 * @param {boolean} [options.disabled]
 * @param {(policy: object) => void} options.onchange called while the slider moves
 * @returns {{element: HTMLElement, value: () => object, set: (fpir: number) => void,
 *   setPolicies: (policies: object[]) => void}}
 */
export function createPolicySlider({ policies, fpir, disabled = false, onchange }) {
  const id = `policy-${++count}`;
  const searches = h("output", { for: id });
  const figures = h("dl", { class: "policy-figures" });
  const note = h("div", { class: "policy-note" });
  const slider = h("input", {
    id,
    type: "range",
    min: 0,
    max: policies.length - 1,
    step: 1,
    disabled,
    value: Math.max(0, placeOf(fpir)),
    "aria-label": t("policy.label"),
    oninput: () => (draw(), onchange(value())),
  });
  const value = () => policies[Number(slider.value)];

  function placeOf(wanted) {
    return policies.findIndex((policy) => policy.fpir === wanted);
  }

  function draw() {
    const policy = value();
    searches.textContent = oneAlarmIn(policy.fpir);
    slider.setAttribute("aria-valuetext", t("policy.value", { count: oneAlarmIn(policy.fpir) }));
    fill(
      figures,
      figure(t("policy.threshold"), score(policy.threshold), t("policy.threshold_note")),
      figure(t("policy.misses"), missesShort(policy.misses), missesNote(policy.misses)),
      figure(
        t("policy.supported"),
        policy.supported_up_to_faces ? t("policy.up_to", { count: shortened(policy.supported_up_to_faces) }) : t("policy.at_no_size"),
        t("policy.supported_note"),
      ),
    );
    fill(note, policy.supported ? null : h("p", { class: "notice" }, unsupported(policy)));
  }
  draw();

  const [before, after] = t("policy.sentence", { count: "{}" }).split("{}");
  return {
    element: h(
      "div",
      { class: "stack policy" },
      h("p", { class: "policy-sentence" }, before, searches, after),
      h("div", {}, slider, h("div", { class: "policy-ends", "aria-hidden": "true" }, h("span", {}, t("policy.lax")), h("span", {}, t("policy.strict")))),
      figures,
      note,
    ),
    value,
    set(wanted) {
      slider.value = Math.max(0, placeOf(wanted));
      draw();
      onchange(value());
    },
    setPolicies(found) {
      policies = found;
      draw();
      onchange(value());
    },
  };
}

const figure = (name, value, note) =>
  h("div", {}, h("dt", {}, name), h("dd", { class: "value" }, value), h("dd", { class: "note" }, note));

/** 0.001 -> `1,000`. */
export const oneAlarmIn = (fpir) => number(Number((1 / fpir).toPrecision(3)));

/** Two digits are as much as such a limit means. */
const shortened = (faces) => number(faces < 1000 ? faces : Number(faces.toPrecision(2)));

function missesShort(misses) {
  if (misses === null) return t("policy.not_measured");
  const [low, high] = misses.interval;
  if (misses.source === "card") return low === 0 ? t("policy.at_most", { share: percent(high) }) : t("policy.range", { low: percent(low), high: percent(high) });
  return percent(misses.rate);
}

function missesNote(misses) {
  if (misses === null) return t("policy.not_measured_note");
  if (misses.source === "card") return t("policy.misses_card");
  const [low, high] = misses.interval.map(percent);
  return t("policy.misses_gallery", { low, high, people: t("common.people", { count: misses.people }) });
}

function unsupported({ least_supported_fpir: least, people_needed: needed }) {
  const possible = least ? t("policy.possible", { count: oneAlarmIn(least) }) : t("policy.nothing_possible");
  return `${t("policy.unsupported")} ${possible} ${t("policy.needed", { count: shortened(needed) })}`;
}
