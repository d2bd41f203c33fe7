// One person in the grid: picture, name, external id, and a box to select them.

import { path } from "../../api.js";
import { createFaceCrop, cropAddress, nameOf } from "../../components/face-crop/face-crop.js";
import { isLeaving } from "../../components/removal/removal.js";
import { h } from "../../dom.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";

const SHOWN_PX = 128; // most cells are a little wider; sharp enough, and quick

/** @returns {import("../../components/virtual-grid/virtual-grid.js").Cell} */
export function createPersonCell({ gallery, selection }) {
  const crop = createFaceCrop();
  const name = h("span", { class: "person-name" });
  const below = h("span", { class: "person-below muted" });
  const anchor = h("a", { class: "person-link", draggable: "false" }, crop.element, name, below);
  let shown = null;
  const box = h("input", { type: "checkbox", tabindex: "-1", onchange: () => shown && selection.toggle(shown) });
  const element = h("div", { class: "person-cell" }, anchor, selection.allowed && h("label", { class: "person-select" }, box));
  let loading = false;
  return {
    element,
    focusable: anchor,
    show(person) {
      const chosen = person !== undefined && selection.has(person.id);
      box.checked = chosen;
      element.classList.toggle("selected", chosen);
      element.classList.toggle("leaving", person !== undefined && isLeaving(path`v1/galleries/${gallery}/identities/${person.id}`));
      if (person === shown && person !== undefined) return;
      if (person === undefined && loading) return;
      loading = person === undefined;
      element.classList.toggle("loading", loading);
      shown = person ?? null;
      box.disabled = loading;
      if (loading) {
        crop.set(null);
        name.textContent = below.textContent = "";
        anchor.removeAttribute("href");
        anchor.setAttribute("aria-label", t("common.loading"));
        return;
      }
      const [face] = person.faces;
      anchor.removeAttribute("aria-label");
      anchor.href = link(path`/galleries/${gallery}/people/${person.id}`);
      name.textContent = nameOf(person);
      below.textContent = person.name && person.external_id ? person.external_id : t("common.faces", { count: person.faces_total });
      box.setAttribute("aria-label", t("people.select", { name: nameOf(person) }));
      crop.set(face ? cropAddress(gallery, person.id, face.id, SHOWN_PX) : null);
    },
  };
}
