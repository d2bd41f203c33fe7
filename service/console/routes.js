// The pages: which path shows which module of `pages/`, and the permission without which nobody gets there.

/**
 * @typedef {object} Route
 * @property {string} name of the page's folder in `pages/` and of its words in the texts
 * @property {string} [module] the folder, if it is not the name
 * @property {string} path with `:names` for parts that vary
 * @property {string} [needs] a permission
 */

/** @type {Route[]} in the order of the search: the first that matches is shown */
export const ROUTES = [
  { name: "home", path: "/" },
  { name: "try", path: "/try", needs: "enrol" },
  { name: "galleries", path: "/galleries", needs: "read" },
  { name: "gallery", path: "/galleries/:gallery", needs: "read" },
  { name: "identify", path: "/galleries/:gallery/identify", needs: "identify" },
  { name: "verify", path: "/galleries/:gallery/verify", needs: "verify" },
  { name: "people", path: "/galleries/:gallery/people", needs: "read" },
  { name: "person", path: "/galleries/:gallery/people/:id", needs: "read" },
  { name: "reviews", path: "/galleries/:gallery/reviews", needs: "read" },
  { name: "visitors", path: "/galleries/:gallery/visitors", needs: "read" },
  { name: "imports", path: "/galleries/:gallery/imports", needs: "read" },
  { name: "import", path: "/galleries/:gallery/imports/:id", needs: "read" },
  { name: "models", path: "/galleries/:gallery/models", needs: "read" },
  { name: "reindex", path: "/galleries/:gallery/models/jobs/:id", needs: "read" },
  { name: "liveness", path: "/liveness", needs: "verify" },
  { name: "operations", path: "/operations", needs: "read" },
  { name: "account", path: "/account" },
  { name: "access", path: "/access", needs: "keys" },
  { name: "audit", path: "/access/audit", needs: "audit" },
  { name: "event", path: "/access/audit/:id", needs: "audit" },
];
export const SIGN_IN = { name: "sign-in", path: "" };
export const NOT_ALLOWED = { name: "not-allowed", path: "" };
export const NOT_FOUND = { name: "not-found", path: "" };

/**
 * @param {string} path what follows `#`, without the query
 * @param {{signedIn: boolean, can: (permission: string) => boolean}} who
 * @returns {{route: Route, params: Record<string, string>}}
 */
export function find(path, { signedIn, can }) {
  if (!signedIn) return { route: SIGN_IN, params: {} };
  for (const route of ROUTES) {
    const params = match(route.path, path);
    if (params === null) continue;
    if (route.needs && !can(route.needs)) return { route: NOT_ALLOWED, params };
    return { route, params };
  }
  return { route: NOT_FOUND, params: {} };
}

function match(pattern, path) {
  const parts = pattern.split("/").filter(Boolean);
  const values = path.split("/").filter(Boolean);
  if (parts.length !== values.length) return null;
  const params = {};
  for (const [i, part] of parts.entries()) {
    const value = decoded(values[i]);
    if (value === null) return null;
    if (part.startsWith(":")) params[part.slice(1)] = value;
    else if (part !== value) return null;
  }
  return params;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
