// What an import would enrol, before anything is sent: how many people and pictures, who is named what.

import { h } from "../../dom.js";
import { bytes } from "../../format.js";
import { t } from "../../texts.js";
import { reason } from "./words.js";

const SHOWN = 8;
const NAMES = 20;

/**
 * @param {import("./items.js").Plan} plan
 * @param {AbortSignal} signal frees the pictures when the page is left
 */
export function previewOf(plan, signal) {
  const first = [...plan.people].slice(0, SHOWN);
  const more = plan.people.size - first.length;
  return h(
    "div",
    { class: "stack" },
    h(
      "p",
      { class: "import-total", role: "status" },
      plan.people.size > 0 || plan.pictures.length === 0
        ? t("imports.found", { people: t("common.people", { count: plan.people.size }), ...amount(plan) })
        : t("imports.found_unnamed", amount(plan)),
    ),
    plan.skipped.length > 0 && skippedList(plan.skipped),
    first.length > 0 && h("ul", { class: "plain import-people", "aria-label": t("imports.preview") }, first.map((one) => person(one, plan, signal))),
    more > 0 && h("p", { class: "muted" }, t("imports.more_people", { count: more })),
  );
}

const amount = ({ pictures, bytes: size }) => ({ pictures: t("imports.pictures", { count: pictures.length }), size: bytes(size) });

function person([externalId, items], plan, signal) {
  const entry = plan.entries.get(items[0].name);
  const name = entry ? (entry.name ?? externalId) : externalId.replaceAll("_", " ");
  const picture = h("img", { alt: "", width: 64, height: 64 });
  void thumbnail(items[0], picture, signal);
  return h(
    "li",
    {},
    h("span", { class: "import-thumb" }, picture),
    h("span", {}, h("strong", {}, name), h("span", { class: "muted import-id" }, t("imports.as_id", { id: externalId }))),
    h("span", { class: "muted" }, t("imports.pictures", { count: items.length })),
  );
}

async function thumbnail(item, picture, signal) {
  try {
    const url = URL.createObjectURL(new Blob([await item.read()]));
    picture.addEventListener("error", () => picture.remove());
    picture.src = url;
    signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
  } catch {
    picture.remove(); // the preview works without it
  }
}

function skippedList(skipped) {
  const names = new Map();
  for (const { item, code } of skipped) {
    if (!names.has(code)) names.set(code, []);
    names.get(code).push(item.name);
  }
  return h(
    "details",
    {},
    h("summary", {}, t("imports.skipped", { count: skipped.length })),
    h("ul", {}, [...names].map(([code, all]) => h("li", {}, `${reason(code)} (${all.length}): ${all.slice(0, NAMES).join(", ")}${all.length > NAMES ? " …" : ""}`))),
  );
}
