// Who uses the console, and what they may do.

import { get, post, protect, remove, whenSignedOut } from "./api.js";
import { Problem } from "./problem.js";

/** @typedef {{name: string, permissions: string[], csrf_token: string | null, sign_in_required: boolean}} Session */

const EVERYTHING = ["keys", "audit", "operate", "enrol", "identify", "verify", "read"];
/** @type {Session | null} null: nobody is signed in */
let session = null;
const listeners = new Set();

/** Asks the server. Throws `Problem` unless it is 401, which means that nobody is signed in. */
export async function loadSession() {
  try {
    set(await get("v1/session"));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 401) set(null);
    else if (error.status === 404) set({ name: "", permissions: EVERYTHING, csrf_token: null, sign_in_required: false });
    else throw error;
  }
  return session;
}

export const current = () => session;

/** @param {string} permission such as `enrol` */
export const can = (permission) => session !== null && session.permissions.includes(permission);

/** @param {string} key an API key, which is kept nowhere in the browser */
export async function signIn(key) {
  set(await post("v1/session", { headers: { "X-API-Key": utf8(key) } }));
  return session;
}

export async function signOut() {
  await remove("v1/session");
  set(null);
}

/** Calls `listener` whenever somebody signs in or out. */
export const onSession = (listener) => listeners.add(listener);

/** A header field has bytes, one a character. */
const utf8 = (text) => String.fromCharCode(...new TextEncoder().encode(text));

function set(value) {
  session = value;
  protect({ token: value?.csrf_token ?? null });
  for (const listener of listeners) listener(session);
}

whenSignedOut(() => session !== null && set(null));
