// Gives an unnamed person a name: the one whom a face matched, or the visitor as whom it was just remembered.

import { h } from "../../dom.js";
import { t } from "../../texts.js";
import { nameOf } from "../face-crop/face-crop.js";
import { createNaming } from "../naming/naming.js";
import { createSuggestions } from "../naming/suggestions.js";

/**
 * The unnamed person of a face; null where it matched somebody with a name, or nobody was remembered.
 * @param {object} face of an answer
 * @returns {{id: string, gallery?: string} | null}
 */
export function unnamedOf({ candidates, visitor }) {
  const match = candidates.find((one) => one.matched);
  if (match) return match.identity.anonymous ? { id: match.identity.id, gallery: match.gallery } : null;
  return visitor?.identity_id ? { id: visitor.identity_id } : null;
}

/**
 * @param {import("./actions.js").FaceContext} context
 * @param {{id: string, gallery?: string}} unnamed
 */
export function nameForm({ gallery, number, signal, note }, unnamed) {
  const id = `who-is-${number}`;
  const suggestions = createSuggestions({ label: t("people.found") });
  const naming = createNaming({
    gallery: unnamed.gallery ?? gallery,
    suggestions,
    signal,
    id,
    onNamed: (_, named) => note(t("naming.named", { name: nameOf(named) }), { person: named }),
    onUndone: () => note(null),
  });
  naming.show(unnamed);
  return h(
    "div",
    { class: "field name-form" },
    h("label", { for: id }, t("person.who")),
    naming.field,
    h("p", { class: "hint" }, t("person.who_hint")),
    suggestions.element,
  );
}
