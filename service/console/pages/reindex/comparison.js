// Both models side by side: whether the criteria are met, the rates, and the faces that they disagree about.

import { address, path } from "../../api.js";
import { h } from "../../dom.js";
import { number, oneIn } from "../../format.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";
import { answerInWords, criterion, rate, reason } from "./words.js";

const FPIR = "0.01";

export function gates({ gates: verdicts }) {
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "gates-title" },
    h("h2", { id: "gates-title" }, t("reindex.gates")),
    verdicts.length === 0 && h("p", {}, t("reindex.no_gates")),
    h(
      "ul",
      { class: "plain gates" },
      verdicts.map((verdict) =>
        h(
          "li",
          {},
          h("span", { class: `badge ${verdict.passed ? "match" : "unsure"}` }, t(verdict.passed ? "reindex.passed" : "reindex.failed")),
          h("span", {}, h("strong", {}, criterion(verdict.gate)), " ", reason(verdict)),
        ),
      ),
    ),
  );
}

export function rates({ old, new: fresh, faces, identities }, names) {
  const rows = [
    [t("reindex.rank1"), rate(old.rank1, old.rank1_interval), rate(fresh.rank1, fresh.rank1_interval)],
    ...Object.keys(old.at_fpir)
      .sort((a, b) => b - a)
      .map((fpir) => [
        t("reindex.fnir", { alarms: oneIn(Number(fpir)) }),
        ...[old, fresh].map((side) => rate(side.at_fpir[fpir]?.fnir, side.at_fpir[fpir]?.interval)),
      ]),
    [t("reindex.skipped_faces"), number(old.skipped), number(fresh.skipped)],
  ];
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "rates-title" },
    h("h2", { id: "rates-title" }, t("reindex.rates")),
    h("p", {}, t(fresh.mated_people ? "reindex.rates_text" : "reindex.rates_none", { faces: number(faces), people: number(identities), several: number(fresh.mated_people ?? 0) })),
    h(
      "div",
      { class: "scroll-x", tabindex: 0, role: "region", "aria-label": t("reindex.rates_table") },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, names.old), h("th", { scope: "col" }, names.new))),
        h("tbody", {}, rows.map(([name, ...cells]) => h("tr", {}, h("th", { scope: "row" }, name), cells.map((cell) => h("td", {}, cell))))),
      ),
    ),
  );
}

/** Faces that only one of the models finds, with the first answer of each. */
export function disagreements({ old, new: fresh, disagreements: found }, names, gallery) {
  const thresholds = { old: old.at_fpir[FPIR]?.threshold, new: fresh.at_fpir[FPIR]?.threshold };
  return h(
    "section",
    { class: "card stack", "aria-labelledby": "disputed-title" },
    h("h2", { id: "disputed-title" }, t("reindex.disputed")),
    h("p", {}, t("reindex.disputed_text")),
    ["lost", "won"].map((kind) => {
      const examples = found.examples.filter((example) => example.kind === kind);
      const name = names[kind === "lost" ? "old" : "new"];
      return h(
        "div",
        { class: "stack" },
        h("h3", {}, t(`reindex.${kind}`, { count: found[kind], model: name })),
        examples.length < found[kind] && examples.length > 0 && h("p", { class: "muted" }, t("reindex.first", { count: examples.length })),
        h("ul", { class: "plain disputes" }, examples.map((example) => dispute(example, names, thresholds, gallery))),
      );
    }),
  );
}

function dispute({ people, old_scores: before, new_scores: after }, names, thresholds, gallery) {
  const side = (role, scores) => {
    const answer = answerInWords(people[role], people.probe, scores, thresholds[role]);
    return h(
      "div",
      { class: `dispute-answer ${answer.right ? "right" : "wrong"}` },
      h("h4", {}, names[role]),
      crop(people[role], gallery),
      h("p", {}, h("span", { "aria-hidden": "true" }, answer.right ? "✓ " : "✗ "), answer.text),
    );
  };
  return h("li", {}, h("div", { class: "dispute-answer" }, h("h4", {}, t("reindex.searched")), crop(people.probe, gallery)), side("old", before), side("new", after));
}

/** The stored crop of a face with the person's name; a box of the same size where there is none. */
function crop(face, gallery) {
  if (!face) return h("div", { class: "dispute-crop" }, h("div", { class: "dispute-crop-empty" }, t("reindex.no_face")));
  const name = face.name ?? face.external_id ?? t("common.unnamed");
  const src = address(path`v1/galleries/${gallery}/identities/${face.identity_id}/faces/${face.face_id}/crop`);
  return h(
    "div",
    { class: "dispute-crop" },
    h("img", { src, alt: "", width: 112, height: 112, loading: "lazy", onerror: (event) => event.target.replaceWith(h("div", { class: "dispute-crop-empty" }, t("reindex.no_crop"))) }),
    h("a", { href: link(path`/galleries/${gallery}/people/${face.identity_id}`) }, name),
  );
}
