// What became of a face that matched nobody, where the gallery remembers unknown visitors.

import { path } from "../../api.js";
import { h } from "../../dom.js";
import { ago, time } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {string} gallery
 * @param {object} face of an answer
 * @returns {HTMLElement | null} null where there was nothing to remember
 */
export function visitorLine(gallery, { visitor, candidates }) {
  if (!visitor) return null;
  const { outcome, identity_id: id } = visitor;
  const before = candidates.find(({ identity }) => identity.id === id)?.identity.last_seen_at;
  const words = before
    ? t("answer.visitor.seen_at", { time: time(before), ago: ago(before) })
    : t(`answer.visitor.${outcome === "face_added" ? "seen" : outcome}`);
  return h(
    "p",
    { class: "visitor-line" },
    words,
    id && can("read") && [" ", h("a", { href: link(path`/galleries/${gallery}/people/${id}`) }, t("answer.visitor.open"))],
  );
}
