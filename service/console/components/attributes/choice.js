// Lets a person choose which attributes of a face a request asks for; none at first.

import { get } from "../../api.js";
import { fill, h } from "../../dom.js";
import { getGallery } from "../../layout/gallery-picker.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./attributes.css", import.meta.url);

/**
 * @param {{gallery: string, query: URLSearchParams, setQuery: (changes: object) => void, signal: AbortSignal,
 *   onChange: () => void}} options `query`: of the page's address, which keeps what is chosen
 * @returns {{element: HTMLElement, chosen: () => string[], ready: Promise<void>}} `element` is hidden where
 *   nothing may be asked for; once `ready`, nothing is chosen that may not be asked for
 */
export function createAttributeChoice({ gallery, query, setQuery, signal, onChange }) {
  const chosen = new Set((query.get("say") ?? "").split(",").filter(Boolean));
  const boxes = h("div", { class: "attribute-boxes" });
  const absent = h("p", { class: "hint muted" });
  const count = h("span", { class: "badge", hidden: true });
  const element = h(
    "details",
    { class: "attribute-choice", hidden: true, open: chosen.size > 0 },
    h("summary", {}, t("attributes.title"), " ", count),
    h("div", { class: "stack" }, boxes, absent, h("p", { class: "hint muted" }, t("attributes.hint"))),
  );

  function choose(name, yes) {
    chosen[yes ? "add" : "delete"](name);
    draw();
    setQuery({ say: [...chosen].join(",") });
    onChange();
  }

  function draw() {
    count.hidden = chosen.size === 0;
    count.textContent = String(chosen.size);
  }

  const box = ({ name, available }) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", checked: chosen.has(name), disabled: !available, onchange: (event) => choose(name, event.target.checked) }),
      t(`attributes.names.${name}`),
    );

  /** What the installation and the gallery permit; the page works without it. */
  async function offer() {
    const { attributes } = await get("v1/attributes", { signal });
    const policy = can("read") ? (await getGallery(gallery, { signal })).attributes : null;
    const offered = attributes.filter(({ name, permitted }) => permitted && (policy === null || policy.includes(name)));
    for (const name of chosen) if (!offered.some((one) => one.name === name && one.available)) chosen.delete(name);
    fill(boxes, offered.map(box));
    absent.hidden = offered.every(({ available }) => available);
    fill(absent, t("attributes.unavailable"));
    element.hidden = offered.length === 0;
    draw();
  }

  draw();
  const ready = offer().catch(() => {});
  return { element, chosen: () => [...chosen], ready };
}
