// The frame around every page: the name, the gallery, the pages one may open, who is signed in.

import { announce } from "../announcer.js";
import { h, fill } from "../dom.js";
import { ROUTES } from "../routes.js";
import { link } from "../router.js";
import { can, current, onSession, signOut } from "../session.js";
import { t } from "../texts.js";
import { icon } from "./icons.js";
import { createGalleryPicker } from "./gallery-picker.js";

const OF_GALLERY = ["identify", "verify", "people", "visitors", "reviews", "imports", "models", "gallery"];
const OF_SERVER = ["try", "liveness", "galleries", "operations", "access", "audit"];
const PARENTS = { person: "people", import: "imports", reindex: "models", event: "audit" };

export function createLayout() {
  const main = h("main", { id: "main", tabindex: "-1" });
  const picker = createGalleryPicker(draw);
  const lists = h("div", { class: "nav-lists" });
  const user = h("div", { class: "nav-user" });
  const nav = h("nav", { id: "nav", "aria-label": t("nav.main") }, picker.element, lists, user);
  const toggle = h(
    "button",
    { class: "nav-toggle quiet", "aria-expanded": "false", "aria-controls": "nav", onclick: () => open(toggle.getAttribute("aria-expanded") !== "true") },
    icon("menu"),
    t("nav.menu"),
  );
  const header = h(
    "header",
    { class: "bar" },
    h("a", { class: "brand", href: "#/" }, h("img", { src: "console/favicon.svg", alt: "", width: 28, height: 28 }), "Gemel"),
    toggle,
  );
  const side = h("div", { class: "side" }, header, nav);
  const skip = h("a", { class: "skip", href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, t("nav.skip"));
  let state = { route: null, params: {} };

  function open(yes) {
    toggle.setAttribute("aria-expanded", String(yes));
    side.classList.toggle("open", yes);
  }
  side.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !side.classList.contains("open")) return;
    open(false);
    toggle.focus();
  });

  function draw() {
    const gallery = state.params.gallery ?? picker.gallery();
    const chosen = PARENTS[state.route?.name] ?? state.route?.name;
    side.hidden = current() === null;
    fill(
      lists,
      gallery && list(t("nav.this_gallery"), OF_GALLERY, gallery, chosen),
      list(t("nav.server"), OF_SERVER, null, chosen),
    );
    fill(user, userOf(current()));
  }
  onSession(draw);

  return {
    main,
    elements: [skip, side, main],
    /** Called by the router for each page. */
    update(route, params) {
      state = { route, params };
      open(false);
      picker.show(params.gallery ?? null).then(draw);
      draw();
    },
  };
}

function list(name, pages, gallery, chosen) {
  const items = pages
    .map((page) => ROUTES.find((route) => route.name === page))
    .filter((route) => !route.needs || can(route.needs))
    .map((route) => {
      const path = route.path.replace(":gallery", encodeURIComponent(gallery ?? ""));
      const here = route.name === chosen;
      return h("li", {}, h("a", { href: link(path), "aria-current": here ? "page" : null }, icon(route.name), t(`titles.${route.name}`)));
    });
  return items.length > 0 && h("section", {}, h("h2", {}, name), h("ul", {}, items));
}

function userOf(session) {
  if (session === null) return null;
  const account = (text) => h("p", {}, h("a", { href: link("/account") }, text));
  if (!session.sign_in_required) return account(t("nav.open"));
  return [
    account(t("nav.signed_in_as", { name: session.name })),
    h("button", { class: "quiet", onclick: () => signOut().catch((error) => announce(error.message)) }, t("nav.sign_out")),
  ];
}
