// Merges, splits and moves of a person, each with its undo.

import { get, path, post } from "../../api.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { time } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const LIMIT = 20;

/** @param {{gallery: string, id: string, signal: AbortSignal, onUndone: () => void}} options */
export function createChanges({ gallery, id, signal, onUndone }) {
  const list = h("ul", { class: "plain stack" });
  const problem = h("div");
  const element = h("section", { class: "stack", hidden: true, "aria-label": t("person.changes") }, h("h2", {}, t("person.changes")), problem, list);

  async function reload() {
    try {
      const { changes } = await get(path`v1/galleries/${gallery}/people-changes`, { query: { identity_id: id, limit: LIMIT }, signal });
      element.hidden = changes.length === 0;
      fill(list, changes.map(row));
    } catch (error) {
      if (error.name === "AbortError") return;
      element.hidden = false;
      fill(problem, errorLine(error));
    }
  }

  function row(change) {
    const was = change.identity_id === id;
    const other = was ? change.other_id : change.identity_id;
    const words = t(`person.change_${change.kind}${was ? "" : "_other"}`, { count: change.faces, name: change.other_name ?? t("common.unnamed") });
    const exists = change.kind !== "merge" || change.undone_at !== null;
    return h(
      "li",
      { class: "change-row" },
      h("span", {}, words, " ", exists && h("a", { href: link(path`/galleries/${gallery}/people/${other}`) }, t("person.change_open"))),
      h("span", { class: "muted" }, time(change.created_at)),
      change.undone_at !== null
        ? h("span", { class: "badge" }, t("person.undone"))
        : can("enrol") && h("button", { "aria-label": `${t("common.undo")}: ${words}`, onclick: (event) => undo(change, event.target) }, t("common.undo")),
    );
  }

  async function undo(change, button) {
    button.disabled = true;
    fill(problem);
    try {
      await post(path`v1/galleries/${gallery}/people-changes/${change.id}/undo`, { signal });
      onUndone();
    } catch (error) {
      button.disabled = false;
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }

  reload();
  return { element, reload };
}
