// The form for a new API key: who uses it, what they may do, where, until when, how much.

import { get } from "../../api.js";
import { h } from "../../dom.js";
import { time } from "../../format.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./key-form.css", import.meta.url);

export const ROLES = ["admin", "operator", "enrol", "identify", "verify", "read"];
const DAYS = [30, 90, 365];
const LIMITS = ["requests_per_second", "faces_per_second", "max_concurrent"];

/**
 * @param {{roles?: string[], latest?: string | null, lasting?: boolean, signal?: AbortSignal}} [options]
 *   `roles`: chosen at the beginning; `latest`: when the user's own key expires, which no new key may outlast;
 *   `lasting`: "never" is chosen at the beginning
 * @returns {{fields: HTMLElement[], value: () => object, focus: () => void}} `value`: the body of `POST /v1/keys`
 */
export function createKeyForm({ roles = ["identify"], latest = null, lasting = false, signal } = {}) {
  const name = h("input", { id: "key-name", required: true, maxlength: 255, autocomplete: "off", "aria-describedby": "key-name-hint" });
  const boxes = ROLES.map((role) => h("input", { type: "checkbox", name: "role", value: role, checked: roles.includes(role), "aria-describedby": `role-${role}` }));
  const galleries = h("input", { id: "key-galleries", list: "key-gallery-names", autocomplete: "off", "aria-describedby": "key-galleries-hint" });
  const names = h("datalist", { id: "key-gallery-names" });
  const expiry = h(
    "select",
    { id: "key-expiry" },
    DAYS.filter((days) => !latest || after(days) < new Date(latest)).map((days) => h("option", { value: days }, t("access.days", { count: days }))),
    latest ? h("option", { value: latest }, t("access.as_own", { date: time(latest) })) : h("option", { value: "", selected: lasting }, t("access.never")),
  );
  const limits = LIMITS.map((limit) =>
    h("input", { id: `key-${limit}`, type: "number", min: limit === "max_concurrent" ? 1 : 0.001, step: limit === "max_concurrent" ? 1 : "any", inputmode: "decimal" }),
  );
  if (can("read")) {
    get("v1/galleries", { signal }).then(
      (page) => names.append(...page.galleries.map(({ name }) => h("option", { value: name }))),
      () => {}, // the names are typed then
    );
  }

  return {
    fields: [
      field("key-name", t("access.name"), name, t("access.name_hint")),
      h(
        "fieldset",
        {},
        h("legend", {}, t("access.roles")),
        ROLES.map((role, i) =>
          h("div", { class: "role" }, h("label", { class: "choice" }, boxes[i], t(`access.role.${role}`)), h("p", { class: "muted", id: `role-${role}` }, t(`access.role_text.${role}`))),
        ),
      ),
      field("key-galleries", t("access.galleries"), [galleries, names], t("access.galleries_hint")),
      field("key-expiry", t("access.expires_after"), expiry),
      h(
        "details",
        {},
        h("summary", {}, t("access.limits")),
        h("div", { class: "limits" }, LIMITS.map((limit, i) => field(`key-${limit}`, t(`access.${limit}`), limits[i]))),
      ),
    ],
    value() {
      const patterns = galleries.value.split(/[\s,]+/).filter(Boolean);
      const days = Number(expiry.value); // NaN: the time itself
      return {
        name: name.value.trim(),
        roles: boxes.filter((box) => box.checked).map((box) => box.value),
        galleries: patterns.length ? patterns : null,
        expires_at: days ? after(days).toISOString() : expiry.value || null,
        ...Object.fromEntries(LIMITS.map((limit, i) => [limit, limits[i].value ? Number(limits[i].value) : null])),
      };
    },
    focus: () => name.focus(),
  };
}

const after = (days) => new Date(Date.now() + days * 86_400_000);

const field = (id, label, control, hint) =>
  h("div", { class: "field" }, h("label", { for: id }, label), control, hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
