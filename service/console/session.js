// Who uses the console, and what they may do.

import { get, post, protect, remove, SESSION, whenSignedOut } from "./api.js";
import { Problem } from "./problem.js";

/**
 * @typedef {object} Session as `GET /v1/session` answers
 * @property {string} name of the API key
 * @property {string | null} key_id
 * @property {string[]} permissions
 * @property {string[] | null} galleries
 * @property {string | null} expires_at
 * @property {string | null} csrf_token
 * @property {boolean} sign_in_required
 */

/** @type {Session | null} null: nobody is signed in */
let session = null;
/** @type {Promise<boolean> | null} while somebody signs in again */
let waiting = null;
const listeners = new Set();

/** Asks the server. Throws `Problem` unless it is 401, which means that nobody is signed in. */
export async function loadSession() {
  set(await askServer());
  return session;
}

export const current = () => session;

/** @param {string} permission such as `enrol` */
export const can = (permission) => session !== null && session.permissions.includes(permission);

/** @param {string} key an API key, which is kept nowhere in the browser */
export async function signIn(key) {
  set(await post(SESSION, { headers: { "X-API-Key": utf8(key) } }));
  return session;
}

/** @param {{everywhere?: boolean}} [options] `everywhere`: all sessions of the key end, in every browser */
export async function signOut({ everywhere = false } = {}) {
  try {
    await remove(SESSION, { query: { everywhere: everywhere || null } });
  } catch (error) {
    if (error.status !== 401) throw error; // it had ended
  }
  set(null);
}

/** Calls `listener` whenever somebody signs in or out. */
export const onSession = (listener) => listeners.add(listener);

async function askServer() {
  try {
    return await get(SESSION);
  } catch (error) {
    if (error instanceof Problem && error.status === 401) return null;
    throw error;
  }
}

/** Over the page, which keeps what was typed into it. */
async function signInAgain() {
  const found = await askServer(); // another tab may have signed in
  if (found === null) {
    const { openSignIn } = await import("./components/sign-in/sign-in-dialog.js");
    if (!(await openSignIn())) set(null);
  } else {
    set(found);
  }
  return session !== null;
}

whenSignedOut(async () => {
  if (session === null) return false; // the sign-in page is shown
  waiting ??= signInAgain().finally(() => (waiting = null));
  return waiting;
});

/** A header field has bytes, one a character. */
const utf8 = (text) => String.fromCharCode(...new TextEncoder().encode(text));

function set(value) {
  session = value;
  protect({ token: value?.csrf_token ?? null });
  for (const listener of listeners) listener(session);
}
