// Words for movements and reasons. A server may know some that this page does not: then its own words are shown.

import { has, t } from "../../texts.js";

const plain = (word) => String(word).replaceAll("_", " ");

/** In a few words: "turn left". */
export const movementName = (name) => (has(`liveness.movements.${name}`) ? t(`liveness.movements.${name}`) : plain(name));

/** What a person is told to do at a step. */
export const instruction = (what) => (has(`liveness.tell.${what}`) ? t(`liveness.tell.${what}`) : t("liveness.tell_other", { what: plain(what) }));

/** An arrow or sign beside the instruction, never without it. */
export const sign = (what) => (has(`liveness.signs.${what}`) ? t(`liveness.signs.${what}`) : t("liveness.signs.other"));

/** @returns {{what: string, todo: string | null}} */
export const reasonInWords = (reason) => ({
  what: has(`liveness.reasons.${reason}`) ? t(`liveness.reasons.${reason}`) : plain(reason),
  todo: has(`liveness.todo.${reason}`) ? t(`liveness.todo.${reason}`) : null,
});

/** Several movements: "turn left, then come nearer". */
export const inOrder = (movements) => (movements.length ? movements.map(movementName).join(t("liveness.then")) : t("liveness.no_movement"));
