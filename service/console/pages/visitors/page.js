// Unknown visitors: who was seen and matched nobody, the one who was seen last first. They are named or forgotten.

import { get, path, remove } from "../../api.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { faceCrop } from "../../components/face-crop/face-crop.js";
import { createNaming } from "../../components/naming/naming.js";
import { createSuggestions } from "../../components/naming/suggestions.js";
import { removeLater } from "../../components/removal/removal.js";
import { emptyState, errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { ago, number, time } from "../../format.js";
import { getGallery } from "../../layout/gallery-picker.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const LIMIT = 60;

export async function show({ params, signal }) {
  const { gallery } = params;
  const url = path`v1/galleries/${gallery}/visitors`;
  const list = h("ul", { class: "plain visitor-list" });
  const counted = h("p", { class: "muted", role: "status" });
  const nobody = h("div");
  const problem = h("div");
  const more = h("button", { hidden: true, onclick: () => load().catch(failed) }, t("visitors.more"));
  const forgetAll = h("button", { class: "danger", onclick: () => openForget({ url, total, signal, onDone: restart }) }, t("visitors.forget_all"));
  const suggestions = createSuggestions({ label: t("people.found") });
  let cursor = null;
  let total = 0;

  const failed = (error) => error.name !== "AbortError" && fill(problem, errorLine(error));

  async function load() {
    const page = await get(url, { query: { limit: LIMIT, cursor }, signal });
    list.append(...page.visitors.map((visitor) => card({ gallery, visitor, suggestions, signal })));
    cursor = page.next_cursor;
    total = page.total;
    draw();
  }

  function draw() {
    more.hidden = cursor === null;
    forgetAll.hidden = total === 0 || !can("enrol");
    counted.textContent = t("visitors.count", { count: total });
    fill(nobody, total === 0 && emptyState({ title: t("visitors.empty"), text: t(remembered ? "visitors.empty_text" : "visitors.off_text") }));
  }

  function restart() {
    list.replaceChildren();
    cursor = null;
    load().catch(failed);
  }

  const policy = await getGallery(gallery, { signal });
  const remembered = policy.remember_unknown;
  await load();
  return h(
    "div",
    { class: "stack visitors-page" },
    h("div", { class: "page-head" }, h("h1", {}, t("titles.visitors")), counted),
    h(
      "p",
      { class: remembered ? "muted" : "notice" },
      remembered ? t("visitors.on", { days: daysOf(policy.visitor_lifetime_hours), count: policy.max_visitors }) : t("visitors.off"),
      " ",
      h("a", { href: link(path`/galleries/${gallery}`) }, t("visitors.settings")),
    ),
    problem,
    nobody,
    list,
    h("div", { class: "actions" }, more, forgetAll),
    suggestions.element,
  );
}

const daysOf = (hours) => number(hours / 24, hours % 24 ? 1 : 0);

function card({ gallery, visitor, suggestions, signal }) {
  const said = h("p", { class: "visitor-said", hidden: true });
  const naming = createNaming({
    gallery,
    suggestions,
    signal,
    onNamed: (_, named) => {
      naming.field.hidden = forget.hidden = true;
      said.hidden = false;
      fill(said, h("a", { href: link(path`/galleries/${gallery}/people/${named.id}`) }, named.name ?? named.external_id));
      const [next] = [...element.parentElement.children].slice([...element.parentElement.children].indexOf(element) + 1).map((one) => one.querySelector(".naming:not([hidden])")).filter(Boolean);
      next?.focus();
    },
    onUndone: () => {
      naming.field.hidden = forget.hidden = false;
      said.hidden = true;
    },
  });
  naming.show(visitor);
  const seen = time(visitor.last_seen_at);
  const forget = h("button", { "aria-label": t("visitors.forget_one", { time: seen }), onclick: (event) => event.detail < 2 && forgetOne() }, t("visitors.forget"));
  const href = link(path`/galleries/${gallery}/people/${visitor.id}`);
  const element = h(
    "li",
    { class: "card visitor" },
    h("a", { href, "aria-label": t("visitors.open", { time: seen }) }, faceCrop({ gallery, identity: visitor, size: 128, wide: true })),
    h("p", {}, h("strong", {}, t("visitors.last", { ago: ago(visitor.last_seen_at) })), h("span", { class: "muted" }, t("visitors.first", { time: time(visitor.created_at) })), can("audit") && h("a", { href, "aria-label": t("visitors.sightings_of", { time: seen }) }, t("visitors.sightings"))),
    can("enrol") && naming.field,
    said,
    can("enrol") && h("div", { class: "actions" }, forget),
  );

  /** Not for the second click of a double click: the next visitor has moved under the pointer. */
  function forgetOne() {
    const next = (element.nextElementSibling ?? element.previousElementSibling)?.querySelector("a, button");
    removeLater({
      path: path`v1/galleries/${gallery}/identities/${visitor.id}`,
      text: t("visitors.forgetting"),
      hide: () => ((element.hidden = true), next?.focus()),
      show: () => (element.hidden = false),
      whenRemoved: () => element.remove(),
    });
  }
  return element;
}

/** Cannot be undone, and may concern thousands: so it is asked. */
function openForget({ url, total, signal, onDone }) {
  const problem = h("div");
  const button = h("button", { class: "danger", onclick: forget }, t("visitors.forget_count", { count: total }));

  async function forget() {
    button.disabled = true;
    try {
      const { forgotten } = await remove(url, { signal });
      dialog.close();
      toast(t("visitors.forgotten", { count: forgotten }));
      onDone();
    } catch (error) {
      button.disabled = false;
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    }
  }

  const dialog = openDialog({
    title: t("visitors.forget_all"),
    content: h("div", { class: "stack" }, h("p", {}, t("visitors.forget_text", { count: total })), problem),
    actions: [button, h("button", { onclick: () => dialog.close() }, t("common.cancel"))],
    signal,
  });
}
