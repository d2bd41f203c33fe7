// The people of an import of whom nothing was enrolled.

import { pages, path } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../texts.js";

const MOST_FILES = 5000;
const SHOWN = 50;

/**
 * Their names, or external ids; null for an import of so many files that listing them all would take long.
 * @param {object} job an import that has ended
 * @returns {Promise<string[] | null>}
 */
export async function peopleWithoutPhotograph(job, signal) {
  if (job.people === job.people_enrolled) return [];
  if (job.files > MOST_FILES) return null;
  const names = new Map();
  const enrolled = new Set();
  const list = pages(path`v1/galleries/${job.gallery}/imports/${job.id}/files`, "files", { query: { limit: 1000 }, signal });
  for await (const files of list) {
    for (const { external_id: person, person_name: name, state } of files) {
      if (person === null) continue;
      names.set(person, name ?? person);
      if (state === "enrolled" || state === "known") enrolled.add(person);
    }
  }
  return [...names].filter(([person]) => !enrolled.has(person)).map(([, name]) => name);
}

/** @param {string[]} names */
export const nobodyOf = (names) =>
  h(
    "div",
    { class: "notice import-nobody" },
    t("import.nobody", { count: names.length }),
    " ",
    h("strong", {}, names.slice(0, SHOWN).join(", ")),
    names.length > SHOWN && ` ${t("imports.more_people", { count: names.length - SHOWN })}`,
  );
