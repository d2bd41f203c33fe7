// What an event of the audit record is called, for people.

import en from "../../texts/en.js";
import { has, t } from "../../texts.js";

/** The actions that have words, as the API names them. */
export const ACTIONS = Object.entries(en.audit.actions).flatMap(([noun, verbs]) => Object.keys(verbs).map((verb) => `${noun}.${verb}`));

/** @param {string} action such as `identity.enrolled`; one without words is shown as it is */
export function actionInWords(action) {
  const key = `audit.actions.${action}`;
  return has(key) ? t(key) : action;
}

/** @param {{action: string, details: object}} event */
export const eventInWords = ({ action, details }) =>
  action === "search.disputed" && details.withdrawn ? t("audit.withdrawn") : actionInWords(action);

/** @param {{name: string, key_id: string | null, address: string | null}} caller */
export const callerOf = ({ name, address }) => (address ? t("audit.from", { name, address }) : name);
