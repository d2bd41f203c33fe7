// What would help for a better picture of a face, in words.

import { has, t } from "../../texts.js";

/** @param {string} advice as the API names it; without words of its own, that name */
export const adviceWord = (advice) => (has(`advice.${advice}`) ? t(`advice.${advice}`) : advice.replaceAll("_", " "));

/**
 * @param {string[]} [advice] of a face or of a rejected picture
 * @returns {string} a sentence; empty where there is no advice
 */
export const adviceInWords = (advice = []) => (advice.length ? t("advice.sentence", { what: advice.map(adviceWord).join(", ") }) : "");
