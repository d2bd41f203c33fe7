// Shows the page that the address names: what follows `#` is a path, and a query with the page's state.

import { announce } from "./announcer.js";
import { errorState } from "./components/states/states.js";
import { fill, h } from "./dom.js";
import { Problem } from "./problem.js";
import { find } from "./routes.js";
import { can, current, onSession } from "./session.js";
import { styles } from "./styles.js";
import { t } from "./texts.js";

const scrolled = new Map();
/** @type {AbortController | null} */
let shown = null;

/**
 * What a page module gets. It exports `show(context)`, which returns an element, or a promise of one.
 * @typedef {object} Context
 * @property {Record<string, string>} params of the path
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal aborted when the page is left: pass it to requests and listeners
 * @property {(changes: Record<string, any>, options?: {replace?: boolean}) => void} setQuery
 *   changes the address without showing the page again; null removes a value
 * @property {(title: string) => void} setTitle of the window; the default is the route's
 */

/** @param {{main: HTMLElement, update: (route: object, params: object) => void}} layout */
export function startRouter(layout) {
  const show = () => open(layout);
  addEventListener("hashchange", show);
  let who = current()?.name;
  onSession((session) => {
    if (session?.name === who) return;
    who = session?.name;
    show();
  });
  show();
}

/** The address of a page: `link("/galleries/staff/people", { q: "grace" })`. */
export function link(path, query = {}) {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.append(name, value);
  }
  return `#${path}${search.size ? `?${search}` : ""}`;
}

export function go(path, query, { replace = false } = {}) {
  const target = link(path, query);
  if (replace) location.replace(target);
  else location.hash = target;
}

function address() {
  const [path, search = ""] = location.hash.replace(/^#/, "").split("?", 2);
  return { path: path || "/", query: new URLSearchParams(search) };
}

async function open(layout, { alone = false } = {}) {
  const leaving = shown;
  if (leaving) scrolled.set(leaving.address, scrollY);
  leaving?.abort();
  const { path, query } = address();
  const controller = (shown = Object.assign(new AbortController(), { address: location.hash }));
  const { signal } = controller;
  const { route, params } = find(path, { signedIn: current() !== null, can });
  controller.redirects = route.name === "home";
  layout.update(route, params);
  setTitle(t(`titles.${route.name}`), params.gallery);
  let failed = false;
  const slow = setTimeout(() => layout.main.setAttribute("aria-busy", "true"), 200);
  try {
    const folder = `./pages/${route.module ?? route.name}`;
    const [page] = await Promise.all([
      import(`${folder}/page.js`).catch(unreachable),
      route.styles === false ? null : styles(`${folder}/page.css`, import.meta.url),
    ]);
    const element = await page.show({
      params,
      query,
      signal,
      setTitle: (title) => setTitle(title, params.gallery),
      setQuery: (changes, options) => signal.aborted || setQuery(path, changes, options),
    });
    if (signal.aborted) return;
    fill(layout.main, element);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    console.warn("page not shown:", error.message);
    failed = true;
    const retry = error.retry ?? (() => open(layout));
    const retryAlone = error.retry ?? (async () => (await answers()) && !signal.aborted && open(layout, { alone: true }));
    fill(layout.main, h("h1", {}, t(`titles.${route.name}`)), errorState(error, { retry, retryAlone }));
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) layout.main.removeAttribute("aria-busy");
  }
  scrollTo(0, scrolled.get(location.hash) ?? 0);
  // Not on arrival, also by the start page: a browser's own order is best then.
  if (leaving && !leaving.redirects && !(alone && failed)) focusHeading(layout.main);
}

/** A module that cannot be fetched means what a request without an answer means. Browsers do not fetch it again. */
function unreachable(error) {
  const missing = error instanceof TypeError && /module/i.test(error.message);
  throw missing ? Object.assign(Problem.offline(), { retry: reload }) : error;
}

/** Once the server answers: otherwise the browser would show its own page. */
async function reload() {
  if (await answers()) location.reload();
}

const answers = async () => (await fetch(location.pathname).catch(() => null))?.ok ?? false;

function setTitle(title, gallery) {
  document.title = [title, gallery, "Gemel"].filter(Boolean).join(" - ");
}

function setQuery(path, changes, { replace = true } = {}) {
  const { query } = address();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const target = link(path, Object.fromEntries(query));
  if (target === location.hash) return;
  history[replace ? "replaceState" : "pushState"](null, "", target);
  shown.address = target;
}

function focusHeading(main) {
  const heading = main.querySelector("h1") ?? main;
  heading.setAttribute("tabindex", "-1");
  heading.focus({ preventScroll: true });
  announce(document.title);
}
