// What the page of people says where it has nobody to show.

import { get, path } from "../../api.js";
import { emptyState } from "../../components/states/states.js";
import { h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/** @param {{gallery: string, view: string, q: string, signal: AbortSignal}} options */
export async function nobodyIn({ gallery, view, q, signal }) {
  if (q) return emptyState({ title: t("people.nobody_found", { q }), text: t("people.nobody_found_text") });
  if (view === "hidden") return emptyState({ title: t("people.empty_hidden"), text: t("people.empty_hidden_text") });
  const imports = h("a", { class: "button", href: link(path`/galleries/${gallery}/imports`) }, t("people.empty_import"));
  if (view === "unnamed") {
    return emptyState({ title: t("people.empty_unnamed"), text: t("people.empty_unnamed_text"), actions: can("enrol") && imports });
  }
  const query = { anonymous: true, limit: 1, max_faces: 1, with_total: true };
  const { total } = await get(path`v1/galleries/${gallery}/identities`, { query, signal });
  if (total > 0) {
    return emptyState({
      title: t("people.empty_named"),
      text: t("people.empty_named_text", { count: total }),
      actions: h("a", { class: "button primary", href: link(path`/galleries/${gallery}/people`, { show: "unnamed" }) }, t("people.see_unnamed")),
    });
  }
  return emptyState({
    title: t("people.empty"),
    text: t(can("enrol") ? "people.empty_text" : "people.empty_read"),
    actions: can("enrol") && [
      can("identify") &&
        h("a", { class: "button primary", href: link(path`/galleries/${gallery}/identify`, { enrol: "on" }) }, t("people.empty_photo")),
      imports,
    ],
  });
}
