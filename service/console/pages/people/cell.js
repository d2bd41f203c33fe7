// One person in the grid: picture, name, and a box to select them; a field for the name of somebody unnamed.

import { path } from "../../api.js";
import { createFaceCrop, cropAddress, nameOf } from "../../components/face-crop/face-crop.js";
import { createNaming } from "../../components/naming/naming.js";
import { isLeaving } from "../../components/removal/removal.js";
import { h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const SHOWN_PX = 128; // most cells are a little wider; sharp enough, and quick

/**
 * @param {{gallery: string, selection: object, naming: object | null, hiding: ReturnType<import("./hiding.js").createHiding>}} options
 *   `naming`: options of `createNaming`, where people are named in the grid
 * @returns {import("../../components/virtual-grid/virtual-grid.js").Cell}
 */
export function createPersonCell({ gallery, selection, naming, hiding }) {
  const crop = createFaceCrop();
  const name = h("span", { class: "person-name" });
  const below = h("span", { class: "person-below muted" });
  const anchor = h("a", { class: "person-link", draggable: "false" }, crop.element, name, below);
  let shown = null;
  let drawn = "";
  const box = h("input", { type: "checkbox", tabindex: "-1", onchange: () => shown && selection.toggle(shown) });
  const named = can("enrol") && naming ? createNaming({ gallery, ...naming }) : null;
  const hide = hiding.allowed ? h("button", { class: "person-hide icon-only", onclick: () => shown && hiding.hide([shown]) }, icon(hiding.icon)) : null;
  const element = h(
    "div",
    { class: "person-cell" },
    anchor,
    named?.field,
    selection.allowed && h("label", { class: "person-select" }, box),
    hide,
  );

  function draw(person) {
    const loading = person === undefined;
    element.classList.toggle("loading", loading);
    shown = person ?? null;
    box.disabled = loading;
    if (hide) hide.hidden = loading || person.left === true;
    if (named) {
      named.field.hidden = loading || !person.anonymous || person.left === true;
      named.show(person ?? null);
    }
    if (loading) {
      crop.set(null);
      name.textContent = below.textContent = "";
      anchor.removeAttribute("href");
      anchor.setAttribute("aria-label", t("common.loading"));
      return;
    }
    const [face] = person.faces;
    const faces = t("common.faces", { count: person.faces_total });
    const called = nameOf(person);
    anchor.removeAttribute("aria-label");
    anchor.href = link(path`/galleries/${gallery}/people/${person.merged_into ?? person.id}`);
    name.textContent = named && !named.field.hidden ? "" : called;
    below.textContent = person.name && person.external_id ? person.external_id : faces;
    if (name.textContent === "") anchor.setAttribute("aria-label", `${called}, ${faces}`);
    box.setAttribute("aria-label", t("people.select", { name: called }));
    hide?.setAttribute("aria-label", hiding.words({ name: called, faces }));
    crop.set(face ? cropAddress(gallery, person.merged_into ?? person.id, face.id, SHOWN_PX) : null);
  }

  return {
    element,
    focusable: anchor,
    controls: [named?.field, hide].filter(Boolean),
    field: () => (named && !named.field.hidden ? named.field : null),
    show(person) {
      const there = person !== undefined;
      const chosen = there && selection.has(person.id);
      box.checked = chosen;
      element.classList.toggle("selected", chosen);
      element.classList.toggle("leaving", there && (person.left || isLeaving(path`v1/galleries/${gallery}/identities/${person.id}`)));
      const state = there ? JSON.stringify([person.id, person.name, person.left, person.merged_into]) : "loading";
      if (state === drawn && (!there || person === shown)) return;
      drawn = state;
      draw(person);
    },
  };
}
