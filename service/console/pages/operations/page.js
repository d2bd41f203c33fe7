// Operations: whether all is well, what is not, and what the server does at the moment.

import { h } from "../../dom.js";
import { current } from "../../session.js";
import { t } from "../../texts.js";
import { createErrors } from "./errors.js";
import { createFindings } from "./findings.js";
import { createIndexes } from "./indexes.js";
import { createJobs } from "./jobs.js";
import { createTraffic } from "./traffic.js";

const PATIENCE_MS = 1500;

export async function show({ query, setQuery, signal }) {
  const everything = current().galleries === null;
  const findings = everything && createFindings(signal);
  const parts = [
    findings,
    everything && createTraffic(signal, { whenChanged: findings.now }),
    createIndexes(signal),
    createJobs(signal),
    everything && createErrors(signal, query, setQuery),
  ].filter(Boolean);
  // Shown with the first answers, or what is below them would move; a slow answer delays nothing else.
  await Promise.race([Promise.all(parts.map(({ first }) => first)), new Promise((done) => setTimeout(done, PATIENCE_MS))]);
  return h(
    "div",
    { class: "operations" },
    h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("titles.operations")), h("p", { class: "muted" }, t("operations.intro")))),
    !everything && h("p", { class: "notice" }, t("operations.some_galleries")),
    parts.map(({ element }) => element),
  );
}
