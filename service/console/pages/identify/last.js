// The last photograph with its answer, in memory only, for those who come back from "Why this answer?" or a person.

import { onSession } from "../../session.js";

/**
 * @typedef {object} Last
 * @property {string} gallery
 * @property {HTMLElement} element the answer as it was left, with what was done to it
 * @property {AbortController} controller frees the photograph
 * @property {Blob} file the photograph
 * @property {string} key of the conditions that were chosen
 * @property {{box: object, answer: object}[]} marked faces that somebody drew a box around
 */

/** @type {Last | null} */
let last = null;
/** @type {string | undefined} name of the key that asked */
let who;

onSession((session) => session?.name !== who && forget());

/** @param {Last} answer @param {string} [name] of the key that asked */
export function keep(answer, name) {
  forget();
  last = answer;
  who = name;
}

/** The answer that is kept for this gallery; that of another gallery is dropped. */
export function recall(gallery) {
  if (last?.gallery !== gallery) forget();
  return last;
}

export function forget() {
  last?.controller.abort();
  last = null;
}
