// The faces of a person: picture, quality in words, when and by which request; remove, move, make a new person of some.

import { get, path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { faceCrop, nameOf } from "../../components/face-crop/face-crop.js";
import { qualityLine } from "../../components/match/quality.js";
import { createPersonPicker } from "../../components/person-picker/person-picker.js";
import { removeLater } from "../../components/removal/removal.js";
import { createSelectionBar } from "../../components/selection-bar/selection-bar.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { time } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {AbortSignal} options.signal
 * @param {(change: any, text: string) => void} options.onChanged a split or move was done
 */
export function createFaces({ gallery, signal, onChanged }) {
  const heading = h("h2", {});
  const list = h("ul", { class: "plain face-list" });
  const problem = h("div");
  const split = h("button", { class: "primary", onclick: openSplit }, t("person.split"));
  const move = h("button", { onclick: openMove }, t("person.move"));
  const bar = createSelectionBar({ actions: [split, move] });
  const more = h("button", { hidden: true, onclick: loadMore }, t("person.more_faces"));
  const element = h("section", { class: "stack", "aria-label": t("person.faces") }, heading, problem, list, h("div", {}, more), bar.element);
  /** @type {Set<string>} */
  const chosen = new Set();
  let identity;
  let cursor = null;

  const url = (face) => path`v1/galleries/${gallery}/identities/${identity.id}/faces/${face.id}`;

  function choose(face, checked) {
    checked ? chosen.add(face.id) : chosen.delete(face.id);
    bar.show(chosen.size, t("person.faces_selected", { count: chosen.size }));
    split.disabled = chosen.size === identity.faces_total;
    move.disabled = chosen.size !== 1;
  }

  function card(face) {
    const label = t("person.face_of", { name: nameOf(identity), time: time(face.created_at) });
    const item = h(
      "li",
      { class: "card person-face" },
      faceCrop({ gallery, identity, face, size: 144, alt: label, wide: true }),
      qualityLine(face),
      h("p", { class: "muted" }, time(face.created_at), origin(face)),
      can("enrol") &&
        h(
          "div",
          { class: "actions" },
          h("label", { class: "choice" }, h("input", { type: "checkbox", "aria-label": t("person.select_face", { time: time(face.created_at) }), onchange: (event) => choose(face, event.target.checked) }), t("person.select")),
          h("button", { "aria-label": t("person.remove_face", { time: time(face.created_at) }), onclick: () => removeFace(face, item) }, t("common.delete")),
        ),
    );
    return item;
  }

  function origin({ request_id: request, audit_id: event }) {
    if (!request) return null;
    const id = can("audit") && event ? h("a", { href: link(path`/access/audit/${event}`) }, request) : request;
    return h("span", { class: "face-origin" }, t("person.request"), " ", id);
  }

  function removeFace(face, item) {
    const focusNext = (item.nextElementSibling ?? item.previousElementSibling)?.querySelector("input");
    removeLater({
      path: url(face),
      text: t("person.face_removing"),
      hide: () => ((item.hidden = true), choose(face, false), focusNext?.focus()),
      show: () => (item.hidden = false),
      whenRemoved: () => {
        item.remove();
        identity.faces_total--;
        count();
      },
    });
  }

  function openSplit() {
    const id = "split-name";
    const name = h("input", { id, maxlength: 255, autocomplete: "off" });
    ask({
      title: t("person.split"),
      content: [h("p", {}, t("person.split_text", { count: chosen.size })), h("div", { class: "field" }, h("label", { for: id }, t("person.name")), name)],
      action: t("person.split"),
      focus: name,
      send: () => post(path`v1/galleries/${gallery}/identities/${identity.id}/split`, { json: { faces: [...chosen], name: name.value.trim() || null } }),
      done: (change) => t("person.split_done", { name: nameOf(change.other) }),
    });
  }

  function openMove() {
    const [id] = chosen;
    const where = h("div");
    const picker = createPersonPicker({
      gallery,
      label: t("person.move_to"),
      without: identity.id,
      signal,
      onChoose: async (to) => {
        try {
          const change = await post(`${url({ id })}/move`, { json: { to: to.id } });
          dialog.close();
          onChanged(change, t("person.move_done", { name: nameOf(to) }));
        } catch (error) {
          fill(where, errorLine(error));
        }
      },
    });
    const dialog = openDialog({ title: t("person.move"), content: h("div", { class: "stack" }, picker.element, where), signal });
    picker.focus();
  }

  function ask({ title, content, action, focus, send, done }) {
    const where = h("div");
    const button = h("button", { class: "primary", type: "submit" }, action);
    const form = h(
      "form",
      {
        class: "stack",
        onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, act)),
      },
      content,
      where,
      h("div", { class: "actions" }, button),
    );

    async function act() {
      try {
        const change = await send();
        dialog.close();
        onChanged(change, done(change));
      } catch (error) {
        fill(where, errorLine(error));
      }
    }

    const dialog = openDialog({ title, content: form, signal });
    focus.focus();
  }

  async function loadMore() {
    try {
      const page = await get(path`v1/galleries/${gallery}/identities/${identity.id}/faces`, { query: { cursor, limit: 100 }, signal });
      list.append(...page.faces.map(card));
      cursor = page.next_cursor;
      more.hidden = cursor === null;
    } catch (error) {
      fill(problem, errorLine(error));
    }
  }

  const count = () => (heading.textContent = t("common.faces", { count: identity.faces_total }));

  return {
    element,
    show(shown) {
      identity = shown;
      chosen.clear();
      bar.show(0, "");
      cursor = identity.faces_next_cursor;
      more.hidden = cursor === null;
      count();
      fill(list, identity.faces.map(card));
    },
  };
}
