// The searches that matched a person, from the audit record.

import { get, path } from "../../api.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { score, time } from "../../format.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";

const LIMIT = 10;

/** @param {{gallery: string, id: string, signal: AbortSignal}} options */
export function createSightings({ gallery, id, signal }) {
  const rows = h("tbody");
  const words = h("p", { class: "muted", role: "status" }, t("common.loading"));
  const table = h(
    "table",
    { hidden: true },
    h("thead", {}, h("tr", {}, ["when", "by", "kind", "score", "answer"].map((name) => h("th", { scope: "col" }, t(`person.sighting_${name}`))))),
    rows,
  );
  const more = h("button", { hidden: true, onclick: load }, t("person.more_sightings"));
  let cursor = null;

  async function load() {
    try {
      const page = await get(path`v1/galleries/${gallery}/identities/${id}/sightings`, { query: { limit: LIMIT, cursor }, signal });
      rows.append(...page.sightings.map(row));
      cursor = page.next_cursor;
      more.hidden = cursor === null;
      table.hidden = rows.children.length === 0;
      fill(words, table.hidden && t("person.no_sightings"));
    } catch (error) {
      if (error.name !== "AbortError") fill(words, errorLine(error));
    }
  }

  const row = (sighting) =>
    h(
      "tr",
      {},
      h("td", {}, time(sighting.at)),
      h("td", {}, sighting.caller),
      h("td", {}, t(`person.kind_${sighting.kind}`), sighting.disputed && [" ", h("span", { class: "badge danger" }, t("person.disputed"))]),
      h("td", {}, sighting.score === null ? t("person.first_sighting") : t("person.score_of", { score: score(sighting.score), threshold: score(sighting.threshold) })),
      h("td", {}, h("a", { href: link(path`/access/audit/${sighting.audit_id}`), "aria-label": t("person.explain_at", { time: time(sighting.at) }) }, t("person.explain"))),
    );

  load();
  return h("div", { class: "stack" }, h("h2", {}, t("person.sightings")), words, h("div", { class: "scroll-x", tabindex: "0", role: "region", "aria-label": t("person.sightings") }, table), h("div", {}, more));
}
