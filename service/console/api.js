// Sends requests to the public API of this server. Pages use nothing else.

import { Problem } from "./problem.js";

/** Signs in and out, and says who is signed in: nothing to send again. */
export const SESSION = "v1/session";
const SAFE = new Set(["GET", "HEAD"]);
const base = new URL(".", document.baseURI);
let csrfToken = null;
let onSignedOut = async () => false;

/** @param {{token: string | null}} options the session's token, which requests that change things carry */
export function protect({ token }) {
  csrfToken = token;
}

/**
 * Called for an answer that says that the session has ended, or is another one than this page knows.
 * @param {() => Promise<boolean>} callback whether there is a session now, so that the request is sent again
 */
export function whenSignedOut(callback) {
  onSignedOut = callback;
}

/**
 * The address of an operation, relative to this page, so that a path prefix stays in it.
 * @param {string} path such as `v1/galleries`; build it with `path`, which encodes
 * @param {Record<string, any>} [query] null and undefined are left out
 */
export function address(path, query = {}) {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.append(name, value);
  }
  return url.href;
}

/** Tag of a template that encodes what is put in: path`v1/galleries/${name}`. */
export function path(parts, ...values) {
  return parts.reduce((all, part, i) => all + encodeURIComponent(values[i - 1]) + part);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{query?: object, json?: any, form?: FormData, body?: BodyInit, headers?: object, signal?: AbortSignal,
 *   keepalive?: boolean}} [options] `keepalive`: the request is sent although the page is being closed
 * @returns {Promise<any>} the JSON of the answer; null for 204; text for anything else
 * @throws {Problem} for an error and for no answer; an aborted request throws `AbortError`
 */
export async function send(method, path, options = {}) {
  try {
    return await sendOnce(method, path, options);
  } catch (problem) {
    const ended = problem.status === 401 || problem.code === "csrf_token_invalid";
    if (!ended || path === SESSION || !(await onSignedOut())) throw problem;
    return sendOnce(method, path, options);
  }
}

async function sendOnce(method, path, { query, json, form, body, headers = {}, signal, keepalive }) {
  const fields = new Headers({ Accept: "application/json", ...headers });
  if (json !== undefined) fields.set("Content-Type", "application/json");
  if (!SAFE.has(method) && csrfToken !== null) fields.set("X-CSRF-Token", csrfToken);
  const response = await fetch(address(path, query), {
    method,
    headers: fields,
    body: json !== undefined ? JSON.stringify(json) : (form ?? body),
    signal,
    keepalive,
    credentials: "same-origin",
  }).catch((error) => {
    throw error.name === "AbortError" ? error : Problem.offline();
  });
  if (!response.ok) throw await Problem.from(response);
  if (response.status === 204) return null;
  const type = response.headers.get("Content-Type") ?? "";
  return type.includes("json") ? response.json() : response.text();
}

export const get = (path, options) => send("GET", path, options);
export const post = (path, options) => send("POST", path, options);
export const put = (path, options) => send("PUT", path, options);
export const patch = (path, options) => send("PATCH", path, options);
export const remove = (path, options) => send("DELETE", path, options);

/**
 * All pages of a list, one after the other.
 * @param {string} path
 * @param {string} field the list's name in the answer
 */
export async function* pages(path, field, { query = {}, signal } = {}) {
  let cursor = null;
  do {
    const page = await get(path, { query: { ...query, cursor }, signal });
    yield page[field];
    cursor = page.next_cursor;
  } while (cursor);
}
