// Why a picture was not enrolled, and what to do, in words.

import { number } from "../../format.js";
import { t, has } from "../../texts.js";
import { adviceInWords } from "../match/advice.js";

/**
 * @param {{code: string, message: string, measured?: number, limit?: number, advice?: string[]}} rejected
 * @returns {string} the words for the code, and what would help; without words, the API's own
 */
export function rejectionInWords({ code, message, measured, limit, advice }) {
  const figure = (value) => (value === undefined || value === null ? "" : number(Math.floor(value * 10) / 10, Number.isInteger(value) ? 0 : 1)); // 27.96 is not 28
  const reason = has(`rejected.${code}`) ? t(`rejected.${code}`, { measured: figure(measured), limit: figure(limit) }) : `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  const otherwise = has(`rejected.otherwise.${code}`) ? t(`rejected.otherwise.${code}`) : "";
  return [reason, adviceInWords(advice) || otherwise].filter(Boolean).join(" ");
}
