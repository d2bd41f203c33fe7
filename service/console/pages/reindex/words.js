// Acceptance criteria, verdicts and figures of a change of model, in words.

import { number, oneIn, percent, score } from "../../format.js";
import { t } from "../../texts.js";

const CRITERION = /^(rank1|skipped|fnir@([0-9.]+))(<=|>=)(old)?([+-]?[0-9.e-]+)?$/;

/** `fnir@0.01<=old` as a sentence; one that this page does not know stays as it is. */
export function criterion(text) {
  const match = CRITERION.exec(text.replaceAll(" ", ""));
  if (!match) return text;
  const [, metric, fpir, sign, old, amount = "0"] = match;
  return t("reindex.criterion", { metric: metricName(metric, fpir), limit: limit(metric, sign, old, Number(amount)) });
}

function metricName(metric, fpir) {
  if (metric === "rank1") return t("reindex.rank1");
  if (metric === "skipped") return t("reindex.skipped_faces");
  return t("reindex.fnir", { alarms: oneIn(Number(fpir)) });
}

function limit(metric, sign, old, amount) {
  const most = sign === "<=" ? "most" : "least";
  const shown = metric === "skipped" ? number(Math.abs(amount)) : percent(Math.abs(amount));
  if (!old) return t(`reindex.at_${most}`, { amount: shown });
  if (amount === 0) return t(`reindex.at_${most}_old`);
  return t(`reindex.at_${most}_old_${amount > 0 ? "more" : "less"}`, { amount: shown });
}

/** Why a criterion is met or not. */
export function reason(verdict) {
  const { measured, limit, people, people_needed: needed } = verdict;
  if (measured === null || limit === null) return t("reindex.not_measurable");
  if (people !== null && people < (needed ?? 0)) return t("reindex.too_few", { count: people, needed });
  const shown = people === null ? number : percent;
  return t("reindex.measured", { measured: shown(measured), limit: shown(limit) });
}

/** A rate with its interval: `3.1 % (1.2 % to 6.5 %)`. */
export function rate(value, interval) {
  if (value === null || value === undefined) return t("reindex.unknown");
  if (!interval) return percent(value);
  return t("reindex.rate", { rate: percent(value), low: percent(interval[0]), high: percent(interval[1]) });
}

/**
 * What a model answered for a probe.
 * @param {{identity_id: string} | null} answer the first person
 * @param {{identity_id: string} | null} probe
 * @param {{own: number | null, other: number | null} | undefined} scores
 * @param {number | undefined} threshold
 * @returns {{right: boolean, text: string}}
 */
export function answerInWords(answer, probe, scores, threshold) {
  if (!answer) return { right: false, text: t("reindex.no_answer") };
  const same = answer.identity_id === probe?.identity_id;
  const top = scores && (same ? scores.own : scores.other);
  const values = { score: Number.isFinite(top) ? score(top) : "", threshold: Number.isFinite(threshold) ? score(threshold) : "" };
  const known = values.score && values.threshold;
  if (!same) return { right: false, text: t(known ? "reindex.other_person_score" : "reindex.other_person", values) };
  if (known && top <= threshold) return { right: false, text: t("reindex.below", values) };
  return { right: true, text: t(known ? "reindex.right_score" : "reindex.right", values) };
}
