// The files that were not enrolled: by reason, with a small picture of each.

import { address, get, path } from "../../api.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";
import { advice, reason } from "../imports/words.js";

const STATES = ["rejected", "failed", "skipped"];
const MOST = 60;

/** @param {{gallery: string, id: string, query: URLSearchParams, setQuery: Function, signal: AbortSignal}} options */
export function createRejections({ gallery, id, query, setQuery, signal }) {
  const base = path`v1/galleries/${gallery}/imports/${id}/files`;
  let chosen = query.get("reason");
  let drawn = "";
  let cursor = null;
  const chips = h("div", { class: "actions import-reasons", role: "group", "aria-label": t("import.filter") });
  const list = h("ul", { class: "plain import-rejected" });
  const more = h("button", { onclick: () => void load() }, t("import.more"));
  const problem = h("div");
  const element = h("section", { class: "stack", hidden: true }, h("h2", {}, t("import.not_enrolled")), chips, list, problem, more);

  function choose(code) {
    chosen = chosen === code ? null : code;
    setQuery({ reason: chosen });
    drawn = "";
    draw(last);
  }

  let last = null;
  function draw(job) {
    last = job;
    const reasons = Object.entries(job.reasons).filter(([code]) => code !== "duplicate_image");
    const now = JSON.stringify([reasons, chosen]);
    if (now === drawn) return;
    drawn = now;
    element.hidden = reasons.length === 0;
    fill(
      chips,
      reasons.map(([code, count]) =>
        h("button", { "aria-pressed": chosen === code ? "true" : "false", onclick: () => choose(code) }, `${reason(code)} (${count.toLocaleString("en")})`),
      ),
    );
    void restart();
  }

  async function restart() {
    cursor = null;
    await load({ fresh: true });
  }

  async function load({ fresh = false } = {}) {
    try {
      const found = [];
      for (const state of STATES) {
        if (!last.counts[state] || (cursor && cursor.state !== state)) continue;
        const page = await get(base, { query: { state, code: chosen, limit: MOST, cursor: cursor?.at }, signal });
        found.push(...page.files);
        cursor = page.next_cursor ? { state, at: page.next_cursor } : null;
        if (cursor) break;
      }
      if (fresh) fill(list, found.map(card));
      else list.append(...found.map(card));
      more.hidden = cursor === null;
      fill(problem);
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }

  function card(file) {
    const source = address(path`v1/galleries/${gallery}/imports/${id}/files/${file.id}/picture`);
    return h(
      "li",
      { class: "card" },
      h("div", { class: "import-picture" }, file.has_picture ? h("img", { src: source, alt: t("import.picture_of", { name: file.name }), loading: "lazy" }) : h("span", { class: "muted" }, t("import.no_picture"))),
      h("strong", {}, file.name),
      h("p", {}, reason(file.code)),
      h("p", { class: "muted" }, advice(file)),
    );
  }

  return { element, draw };
}
