// Numbers, shares and times as people read them.

const language = "en";
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const UNITS = [
  ["year", 31536000],
  ["month", 2592000],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

export const number = (value, digits = 0) =>
  value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A score: three decimals, which tell any two apart that matter. */
export const score = (value) => number(Number(value.toFixed(3)), 3); // rounded as the server does

/** 0.0123 -> `1.2 %`, 0.00004 -> `0.004 %`. */
export const percent = (share) =>
  `${(share * 100).toLocaleString(language, { maximumSignificantDigits: 2 })} %`;

/** 0.001 -> `1 in 1,000`. */
export const oneIn = (share) => `1 in ${Number((1 / share).toPrecision(2)).toLocaleString(language)}`;

export function bytes(count) {
  const unit = count < 1e3 ? 0 : count < 1e6 ? 1 : count < 1e9 ? 2 : 3;
  return `${number(count / 1000 ** unit, unit && count / 1000 ** unit < 10 ? 1 : 0)} ${["B", "kB", "MB", "GB"][unit]}`;
}

/** 95 -> `1 min 35 s`. */
export function duration(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** `26 Nov 2026, 15:04`, in the reader's time zone. */
export const time = (text) =>
  new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** `26 Nov 2026, 15:04:09`, where the order of events matters. */
export const timeWithSeconds = (text) =>
  new Date(text).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** `3 minutes ago`. */
export function ago(text, now = Date.now()) {
  const seconds = (new Date(text).getTime() - now) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? ["second", 1];
  return relative.format(Math.round(seconds / size), unit);
}
