// Why a picture was not enrolled, and what to do, in words.

import { number } from "../../format.js";
import { t, has } from "../../texts.js";

/**
 * @param {{code: string, message: string, measured?: number, limit?: number}} rejected
 * @returns {string} the words for the code; without them, the API's own
 */
export function rejectionInWords({ code, message, measured, limit }) {
  const key = `rejected.${code}`;
  if (!has(key)) return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  const figure = (value) => (value === undefined || value === null ? "" : number(value, Number.isInteger(value) ? 0 : 3));
  return t(key, { measured: figure(measured), limit: figure(limit) });
}
