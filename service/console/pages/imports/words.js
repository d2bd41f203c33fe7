// Words for the reasons and states of an import's files.

import { has, t } from "../../texts.js";

/** A reason as a heading; without words of its own, the code. */
export const reason = (code) => (has(`imports.reasons.${code}`) ? t(`imports.reasons.${code}`) : code.replaceAll("_", " "));

/** What to do about a rejection, or what the server says of it. */
export const advice = ({ code, message }) => (has(`imports.advice.${code}`) ? t(`imports.advice.${code}`) : message);

/** The result of an import as a sentence. */
export function result({ counts, people, people_enrolled: enrolled, people_by: by, files }) {
  if (by === "nobody" ? files === 0 : people === 0) return t("imports.nothing_yet");
  const parts = [
    by === "nobody"
      ? t("imports.enrolled_unnamed", { enrolled: counts.enrolled + counts.known, pictures: t("imports.pictures", { count: files }) })
      : t("imports.enrolled_of", { enrolled, people: t("common.people", { count: people }) }),
  ];
  if (counts.rejected) parts.push(t("imports.rejected", { count: counts.rejected }));
  if (counts.failed) parts.push(t("imports.failed", { count: counts.failed }));
  if (counts.known) parts.push(t("imports.known", { count: counts.known }));
  return `${parts.join(", ")}.`;
}

/** Its name, or when it began. */
export const title = ({ name, path, created_at }, time) => name ?? path ?? t("imports.unnamed", { time: time(created_at) });
