// Of somebody whom nobody has named: the name, who it may be, whether lists show them, when they were seen.

import { get, patch, path } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { createNaming } from "../../components/naming/naming.js";
import { createSuggestions } from "../../components/naming/suggestions.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { ago, time } from "../../format.js";
import { inWords } from "../../problem.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const MOST_REVIEWS = 50;

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {AbortSignal} options.signal
 * @param {(person: any, named: any) => void} options.onNamed as of `createNaming`
 * @param {() => Promise<void>} options.onChanged the person is another one now, or hidden
 */
export function createHead({ gallery, signal, onNamed, onChanged }) {
  const suggestions = createSuggestions({ label: t("people.found") });
  const id = "unnamed-name";
  const onUndone = (person) => (signal.aborted ? (location.hash = link(path`/galleries/${gallery}/people/${person.id}`)) : onChanged());
  const naming = createNaming({ gallery, suggestions, signal, id, onNamed, onUndone });
  const form = h(
    "div",
    { class: "field" },
    h("label", { for: id }, t("person.who")),
    naming.field,
    h("p", { class: "hint" }, t("person.who_hint")),
  );
  const seen = h("p", { class: "muted" });
  const maybe = h("div");
  const hide = h("button", { onclick: () => whileDisabled(hide, () => setHidden(!identity.hidden)) });
  const hidden = h("p", { class: "notice" }, t("person.hidden"));
  const element = h("section", { class: "card stack", "aria-label": t("person.unnamed") }, hidden, seen, form, maybe, h("div", { class: "actions" }, hide), suggestions.element);
  let identity = null;

  async function setHidden(value) {
    const send = async (one) => {
      await patch(path`v1/galleries/${gallery}/identities/${identity.id}`, { json: { hidden: one } });
      if (!signal.aborted) await onChanged();
    };
    try {
      await send(value);
      toast(t(value ? "people.hide_done" : "people.unhide_done", { count: 1, name: nameOf(identity) }), { undo: () => send(!value) });
    } catch (error) {
      if (error.name !== "AbortError") toast(inWords(error), { kind: "error" });
    }
  }

  /** Pairs of this person that wait for a decision; the page works without them. */
  async function findReviews(of) {
    const query = { state: "open", identity_id: of.id, limit: MOST_REVIEWS };
    const { reviews } = await get(path`v1/galleries/${gallery}/reviews`, { query, signal }).catch(() => ({ reviews: [] }));
    fill(
      maybe,
      reviews.map((review) => {
        const other = review.identity.id === of.id ? review.other : review.identity;
        return h("p", {}, h("a", { href: link(path`/galleries/${gallery}/reviews`, { review: review.id }) }, t("person.maybe", { name: nameOf(other) })));
      }),
    );
  }

  return {
    element,
    show(shown) {
      identity = shown;
      element.hidden = !shown.anonymous && !shown.hidden;
      form.hidden = !shown.anonymous || !can("enrol");
      hide.hidden = !can("enrol");
      hidden.hidden = !shown.hidden;
      hide.textContent = t(shown.hidden ? "people.unhide" : "people.hide");
      seen.hidden = shown.last_seen_at === null;
      if (shown.last_seen_at) seen.textContent = t("person.seen", { first: time(shown.created_at), last: time(shown.last_seen_at), ago: ago(shown.last_seen_at) });
      naming.show(shown);
      if (!element.hidden) findReviews(shown);
    },
  };
}
