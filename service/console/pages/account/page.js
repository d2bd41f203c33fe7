// Who one is: what the own key allows, and a way to sign out in every browser.

import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { time } from "../../format.js";
import { current, signOut } from "../../session.js";
import { t } from "../../texts.js";
import { galleriesOf, limitsOf } from "../access/words.js";

export async function show() {
  const session = current();
  const problem = h("div");
  const end = (options) => signOut(options).catch((error) => fill(problem, errorLine(error)));
  const rows = [
    [t("account.key"), session.sign_in_required ? session.name : t("nav.open")],
    [t("account.permissions"), session.permissions.map((permission) => t(`account.permission.${permission}`)).join(", ")],
    [t("access.galleries"), galleriesOf(session)],
    [t("access.limits"), limitsOf(session) || t("common.none")],
    session.csrf_token && [t("account.until"), t("account.until_text", { time: time(session.expires_at), count: Math.round(session.idle_seconds / 60) })],
    [t("account.version"), session.version],
  ];
  return h(
    "div",
    { class: "stack" },
    h("h1", {}, t("titles.account")),
    h("dl", { class: "card" }, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    session.csrf_token && [
      h("div", { class: "actions" }, h("button", { onclick: () => end() }, t("nav.sign_out")), h("button", { class: "danger", onclick: () => end({ everywhere: true }) }, t("account.everywhere"))),
      h("p", { class: "muted" }, t("account.everywhere_text")),
    ],
    problem,
  );
}
