// Which frames are taken when: a face that looks into the lens, then each movement, then the face once more.

/** Of a request. */
export const MIN_FRAMES = 3;
export const MAX_FRAMES = 10;
const FRAMES_OF_A_MOVEMENT = 2;
const FRAMES_WITHOUT_MOVEMENTS = 5;

/**
 * @typedef {object} Step
 * @property {string} what `front`, `move` (a little, without a challenge) or the name of a movement
 * @property {number} frames how many are taken at its end
 */

/**
 * The first frame looks into the lens: the server measures the others against it. So does the last, where there are
 * movements: eyes that were closed count once they are open again.
 * @param {string[]} movements of the challenge, in their order; none without a challenge
 * @returns {Step[]} of at most 10 frames together
 */
export function plan(movements) {
  const front = { what: "front", frames: 1 };
  if (movements.length === 0) return [front, { what: "move", frames: FRAMES_WITHOUT_MOVEMENTS - 1 }];
  const frames = Math.min(FRAMES_OF_A_MOVEMENT, Math.floor((MAX_FRAMES - 2) / movements.length));
  return [front, ...movements.map((what) => ({ what, frames })), front];
}
