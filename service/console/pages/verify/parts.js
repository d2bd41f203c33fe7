// Which parts of two faces made their score. It is asked for by a button, because it takes as long as many comparisons.

import { whileDisabled } from "../../busy.js";
import { verifyPair } from "../../components/recognition/ask.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/** @param {{photos: import("../../components/photo/photo.js").Photo[], signal: AbortSignal}} options the two that are compared */
export function createParts({ photos: [a, b], signal }) {
  const place = h("div", { "aria-live": "polite" });
  const button = h("button", { onclick: () => whileDisabled(button, ask) }, t("verify.parts"));

  async function ask() {
    fill(place, h("p", { class: "muted" }, t("verify.parts_asking")));
    try {
      const { explanation } = await verifyPair(a.blob, b.blob, { explain: true, signal });
      const names = [t("verify.first"), t("verify.second")];
      fill(
        place,
        h("div", { class: "crops" }, explanation.map(({ picture }, i) => h("figure", {}, h("img", { src: addressOf(picture), alt: t("verify.parts_of", { name: names[i] }) }), h("figcaption", {}, names[i])))),
        h("p", { class: "muted" }, t("verify.parts_text")),
      );
      button.hidden = true;
    } catch (error) {
      fill(place, error.name !== "AbortError" && errorLine(error));
    }
  }

  /** Of a JPEG in base64, as long as the page is there. */
  function addressOf(picture) {
    const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    signal.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
    return url;
  }

  return h("div", { class: "stack verify-parts" }, h("div", { class: "actions" }, button), place);
}
