// Where a value lies on an axis, and which values the axis names.

/**
 * @param {number} from value
 * @param {number} to value
 * @param {number} start px
 * @param {number} end px
 * @returns {(value: number) => number} px
 */
export function linear(from, to, start, end) {
  const factor = to === from ? 0 : (end - start) / (to - from);
  return (value) => start + (value - from) * factor;
}

/**
 * Round values from 0 to at least `most`: steps of 1, 2 or 5 times a power of ten.
 * @param {number} most
 * @param {number} [count] of steps, about
 */
export function ticks(most, count = 3) {
  if (!(most > 0)) return [0, 1];
  const rough = most / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const found = [];
  for (let i = 0; i === 0 || found.at(-1) < most * 0.999; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/**
 * Times at which a clock shows something round, between two times.
 * @param {number} from ms since 1970
 * @param {number} to ms since 1970
 * @param {number} count at most
 */
export function timeTicks(from, to, count) {
  const steps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map((s) => s * 1000);
  const step = steps.find((ms) => (to - from) / ms <= count) ?? steps.at(-1);
  const found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}

/** `15:04`, with seconds where they differ. @param {number} at ms since 1970 @param {boolean} [seconds] */
export const clock = (at, seconds = false) =>
  new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...(seconds && { second: "2-digit" }) });
