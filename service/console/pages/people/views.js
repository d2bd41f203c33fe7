// The views of a gallery's people: those with a name, those whom nobody has named, those who are hidden.

import { h } from "../../dom.js";
import { link } from "../../router.js";
import { path } from "../../api.js";
import { t } from "../../texts.js";

/** @type {Record<string, {query: object, orders: string[], searched: boolean}>} */
export const VIEWS = {
  named: { query: { anonymous: false }, orders: ["newest", "oldest", "faces"], searched: true },
  unnamed: { query: { anonymous: true }, orders: ["faces", "newest", "oldest"], searched: false },
  hidden: { query: { hidden: true }, orders: ["newest", "oldest", "faces"], searched: true },
};

/** @param {URLSearchParams} query of the page's address */
export const viewOf = (query) => (Object.hasOwn(VIEWS, query.get("show") ?? "") ? query.get("show") : "named");

export const viewLinks = (gallery, chosen) =>
  h(
    "div", // the frame has the rules of nav
    { class: "people-views", role: "navigation", "aria-label": t("people.views") },
    Object.keys(VIEWS).map((view) =>
      h(
        "a",
        {
          href: link(path`/galleries/${gallery}/people`, { show: view === "named" ? null : view }),
          "aria-current": view === chosen ? "page" : null,
        },
        t(`people.view_${view}`),
      ),
    ),
  );
