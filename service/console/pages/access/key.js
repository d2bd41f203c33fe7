// One API key: what it may do, a new secret for it, its end.

import { path, post, remove } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { ago, time } from "../../format.js";
import { link } from "../../router.js";
import { can, current, signIn, signOut } from "../../session.js";
import { t } from "../../texts.js";
import { showKey } from "./new-key.js";
import { galleriesOf, limitsOf } from "./words.js";

const OVERLAPS = [86400, 3600, 604800, 0];

export const stateBadge = ({ state }) => h("span", { class: `badge ${state === "active" ? "match" : "danger"}` }, t(`access.states.${state}`));

/** @param {{signal: AbortSignal, whenChanged: () => Promise<void>, whenClosed: () => void}} options */
export function openKey(key, { signal, whenChanged, whenClosed }) {
  const place = h("div", { class: "stack" });
  const dialog = openDialog({ title: key.name, content: place, signal, whenClosed });
  const own = key.id === current()?.key_id;
  const after = { key, own, signal, whenChanged, close: dialog.close, back: () => turn(overview()) };

  const overview = () => [figures(key), key.state === "active" && actions()];

  /** Shows something else in the dialog. The button that was pressed is gone, so another one has the focus. */
  function turn(content) {
    fill(place, content);
    place.querySelector("select, .actions button:last-child")?.focus();
  }

  function actions() {
    return h(
      "div",
      { class: "actions" },
      h("button", { onclick: () => turn(rotation(after)) }, t("access.rotate")),
      h("button", { class: "danger", onclick: () => turn(revocation(after)) }, t("access.revoke")),
    );
  }

  fill(place, overview());
}

function figures(key) {
  const rows = [
    [t("access.state"), stateBadge(key)],
    [t("access.begins_with"), h("code", {}, `gemel_${key.prefix}`)],
    [t("access.roles"), key.roles.map((role) => t(`access.role.${role}`)).join(", ")],
    [t("access.galleries"), galleriesOf(key)],
    [t("access.limits"), limitsOf(key) || t("common.none")],
    [t("access.created_at"), time(key.created_at)],
    [t("access.last_used"), key.last_used_at ? ago(key.last_used_at) : t("access.not_used")],
    [t("access.expires"), key.expires_at ? time(key.expires_at) : t("access.never")],
    key.rotated_at && [t("access.rotated_at"), time(key.rotated_at)],
    key.previous_expires_at && [t("access.previous_expires_at"), time(key.previous_expires_at)],
    key.revoked_at && [t("access.revoked_at"), time(key.revoked_at)],
    can("audit") && [t("titles.audit"), h("a", { href: link("/access/audit", { caller: key.id }) }, t("access.events"))],
  ];
  return h("dl", {}, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

function rotation({ key, own, signal, whenChanged, close, back }) {
  const overlap = h("select", { id: "overlap" }, OVERLAPS.map((seconds) => h("option", { value: seconds }, t(`access.overlap_${seconds}`))));
  const problem = h("div");

  const button = h("button", { class: "primary", type: "submit" }, t("access.rotate"));

  async function rotate() {
    try {
      const issued = await post(path`v1/keys/${key.id}/rotate`, { json: { overlap_seconds: Number(overlap.value) }, signal });
      if (own) await signIn(issued.key); // or one's own session would end with the old text
      close();
      showKey(issued, t("access.rotated", { name: key.name }));
    } catch (error) {
      return fill(problem, errorLine(error));
    }
    whenChanged();
  }

  return h(
    "form",
    { class: "stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, rotate)) },
    h("p", {}, t("access.rotate_text")),
    h("div", { class: "field" }, h("label", { for: "overlap" }, t("access.overlap")), overlap),
    problem,
    h("div", { class: "actions" }, button, h("button", { type: "button", onclick: back }, t("common.cancel"))),
  );
}

function revocation({ key, own, signal, whenChanged, close, back }) {
  const problem = h("div");
  const button = h("button", { class: "danger", onclick: () => whileDisabled(button, revoke) }, t("access.revoke"));

  async function revoke() {
    try {
      await remove(path`v1/keys/${key.id}`, { signal });
    } catch (error) {
      return fill(problem, errorLine(error));
    }
    close();
    toast(t("access.revoked", { name: key.name }));
    if (own) return signOut();
    await whenChanged();
    if (document.activeElement === document.body) document.querySelector("main h1")?.focus(); // the key's row is gone
  }

  const used = key.last_used_at ? t("access.revoke_used", { ago: ago(key.last_used_at) }) : t("access.revoke_unused");
  return h(
    "div",
    { class: "stack" },
    h("p", {}, t("access.revoke_text"), " ", used),
    own && h("p", { class: "notice" }, t("access.revoke_own")),
    problem,
    h("div", { class: "actions" }, button, h("button", { onclick: back }, t("common.cancel"))),
  );
}
