// The last scrapes of `/metrics`, in this window's memory: rates and times come from their differences.

import { sums } from "./metrics-text.js";

const MOST = 180;
export const EVERY_SECONDS = 5;
const GAP_MS = 4 * EVERY_SECONDS * 1000;

/** @type {{at: number, samples: import("./metrics-text.js").Sample[]}[]} survives a visit of another page */
const scrapes = [];

/** @param {number} at ms since 1970 @param {import("./metrics-text.js").Sample[]} samples */
export function add(at, samples) {
  scrapes.push({ at, samples });
  if (scrapes.length > MOST) scrapes.shift();
}

export const latest = () => scrapes.at(-1)?.samples ?? [];

/** Times of the points of `rates` and `gauges`: those of the scrapes after the first. */
export const times = () => scrapes.slice(1).map(({ at }) => at);

/**
 * How fast a counter grew before each scrape.
 * @param {string} name
 * @param {(labels: Record<string, string>) => boolean} which samples count
 * @param {number} [seconds] per so many
 * @returns {(number | null)[]} null where it is not known: while the page was hidden, and where a server began anew
 */
export function rates(name, which, seconds = 1) {
  return steps((before, after) => {
    const grown = total(after.samples, name, which) - total(before.samples, name, which);
    return grown < 0 ? null : (grown / ((after.at - before.at) / 1000)) * seconds;
  });
}

/**
 * A quantile of a histogram before each scrape; null where nothing was observed.
 * @param {string} name without `_bucket`
 * @param {(labels: Record<string, string>) => boolean} which
 * @param {number} q 0 to 1
 */
export function quantiles(name, which, q) {
  return steps((before, after) => quantile(buckets(before.samples, name, which), buckets(after.samples, name, which), q));
}

/** @param {string} name @param {(labels: Record<string, string>) => boolean} which */
export const gauges = (name, which = () => true) => scrapes.slice(1).map(({ samples }) => total(samples, name, which));

/**
 * Quantiles over everything in memory, by a label.
 * @param {string} name without `_bucket`
 * @param {(labels: Record<string, string>) => string | null} by
 * @param {number[]} qs
 * @returns {{name: string, count: number, values: number[]}[]} those with observations, in the order of the metric
 */
export function quantilesBy(name, by, qs) {
  if (scrapes.length < 2) return [];
  const [first, last] = [scrapes[0].samples, scrapes.at(-1).samples];
  const found = [];
  for (const key of sums(last, `${name}_count`, by).keys()) {
    const which = (labels) => by(labels) === key;
    const [before, after] = [buckets(first, name, which), buckets(last, name, which)];
    const count = (after.get(Infinity) ?? 0) - (before.get(Infinity) ?? 0);
    if (count > 0) found.push({ name: key, count, values: qs.map((q) => quantile(before, after, q)) });
  }
  return found;
}

/** As Prometheus does: within a bucket, observations are taken to lie evenly. */
export function quantile(before, after, q) {
  const bounds = [...after.keys()].sort((a, b) => a - b);
  const counts = bounds.map((bound) => after.get(bound) - (before.get(bound) ?? 0));
  const all = counts.at(-1) ?? 0;
  if (!(all > 0)) return null;
  const wanted = q * all;
  const i = counts.findIndex((count) => count >= wanted);
  const low = i > 0 ? bounds[i - 1] : 0;
  if (bounds[i] === Infinity) return low;
  const below = i > 0 ? counts[i - 1] : 0;
  return low + ((bounds[i] - low) * (wanted - below)) / Math.max(1e-9, counts[i] - below);
}

function steps(between) {
  return scrapes.slice(1).map((after, i) => (after.at - scrapes[i].at > GAP_MS ? null : between(scrapes[i], after)));
}

function total(samples, name, which) {
  let sum = 0;
  for (const sample of samples) if (sample.name === name && which(sample.labels)) sum += sample.value;
  return sum;
}

/** Cumulated counts by upper bound. */
function buckets(samples, name, which) {
  return sumsByBound(samples.filter((sample) => sample.name === `${name}_bucket` && which(sample.labels)));
}

function sumsByBound(samples) {
  const found = new Map();
  for (const { labels, value } of samples) {
    const bound = labels.le === "+Inf" ? Infinity : Number(labels.le);
    found.set(bound, (found.get(bound) ?? 0) + value);
  }
  return found;
}
