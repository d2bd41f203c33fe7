// Chooses the gallery that the pages are about, and remembers it in this browser.

import { get, pages, path } from "../api.js";
import { h, fill } from "../dom.js";
import { go } from "../router.js";
import { can, current, onSession } from "../session.js";
import { t } from "../texts.js";

const STORED = "gemel.gallery";
const MOST = 500;
const RECENT_MS = 2000;
/** @type {{names: Promise<string[]>, at: number} | null} the last time that the server was asked */
let asked = null;
let known = [];
const listeners = new Set();

/** The gallery used last in this browser, or the first there is; null if there is none. */
export async function lastGallery() {
  await loadGalleries({ recent: true });
  return lastKnown();
}

function lastKnown() {
  const last = localStorage.getItem(STORED);
  const mayExist = known.includes(last) || (isUnlisted() && last);
  return mayExist ? last : (known[0] ?? null);
}

/** Whether this key cannot find out which galleries there are. */
const isUnlisted = () => !can("read") && known.length === 0;

/**
 * Asks the server; the picker shows the answer.
 * @param {{recent?: boolean}} [options] `recent`: the answer of a moment ago will do, as on the way from page to page
 * @returns {Promise<string[]>} names; the first 500
 */
export function loadGalleries({ recent = false } = {}) {
  if (recent && asked !== null && Date.now() - asked.at < RECENT_MS) return asked.names;
  const own = (asked = { names: list(), at: Date.now() });
  own.names.catch(() => asked === own && (asked = null));
  return own.names;
}

async function list() {
  const names = can("read") ? [] : ofKey();
  for await (const page of can("read") ? pages("v1/galleries", "galleries", { query: { limit: 100 } }) : []) {
    names.push(...page.map((gallery) => gallery.name));
    if (names.length >= MOST) break;
  }
  known = names;
  for (const listener of listeners) listener();
  return known;
}

/** The galleries that the key names; a pattern is no name. */
const ofKey = () => (current()?.galleries ?? []).filter((name) => !name.includes("*"));

/** @param {string} name */
export const getGallery = (name, options) => get(path`v1/galleries/${name}`, options);

/** @param {() => void} onFirst called when the first gallery is created on a page without one */
export function createGalleryPicker(onFirst) {
  const select = h("select", { id: "gallery-picker", onchange: () => choose(select.value) });
  const typed = h("input", { id: "gallery-picker", autocomplete: "off", onchange: () => typed.value && choose(typed.value.trim()) });
  const place = h("div");
  const element = h("div", { class: "gallery-picker" }, h("label", { for: "gallery-picker" }, t("nav.gallery")), place);
  let chosen = null;

  function choose(name) {
    const page = /^#\/galleries\/[^/]+\/(\w+)/.exec(location.hash)?.[1] ?? (can("identify") ? "identify" : "verify");
    go(path`/galleries/${name}/${page}`);
  }
  function draw() {
    const names = chosen !== null && !known.includes(chosen) ? [...known, chosen] : known;
    fill(select, names.length ? names.map((name) => h("option", { value: name }, name)) : h("option", { value: "" }, t("nav.no_gallery")));
    select.value = chosen ?? "";
    select.disabled = names.length === 0;
    typed.value = chosen ?? "";
    const control = current() !== null && isUnlisted() ? typed : select;
    if (place.firstChild !== control) fill(place, control);
  }
  onSession(() => ((known = []), (asked = null)));
  listeners.add(() => {
    const first = chosen === null && known.length > 0;
    if (first) chosen = lastKnown();
    draw();
    if (first) onFirst();
  });
  draw();

  return {
    element,
    gallery: () => chosen,
    /** @param {string | null} name of the page's gallery; null: the last one stays chosen */
    async show(name) {
      if (name !== null && name === chosen && known.includes(name)) return;
      if (name !== null) {
        localStorage.setItem(STORED, name);
        chosen = name;
        draw();
      }
      await loadGalleries({ recent: known.length === 0 }).catch(() => {}); // the page itself shows what is wrong
      if (name === null && !known.includes(chosen)) chosen = lastKnown();
      draw();
    },
  };
}
