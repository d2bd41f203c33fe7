// A gallery's figures and policies, and its end.

import { address, patch, path, remove } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { number, time } from "../../format.js";
import { getGallery } from "../../layout/gallery-picker.js";
import { go } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { attributePolicies } from "./attributes.js";
import { visitorPolicy } from "./visitors.js";

const CHECKS = ["off", "warn", "review", "reject"];
const SCORES = ["nearest", "fused"];

export async function show({ params, signal }) {
  const gallery = await getGallery(params.gallery, { signal });
  const problem = h("div");

  /** Changes one policy at once; the message has the way back. */
  async function save(field, value, control) {
    const before = gallery[field];
    fill(problem);
    try {
      Object.assign(gallery, await patch(path`v1/galleries/${gallery.name}`, { json: { [field]: value }, signal }));
    } catch (error) {
      control(before);
      return fill(problem, errorLine(error));
    }
    control(gallery[field]);
    if (before !== value) toast(t("gallery.saved"), { undo: () => save(field, before, control) });
  }

  return h(
    "div",
    { class: "stack" },
    h("h1", {}, t("gallery.heading", { gallery: gallery.name })),
    h(
      "dl",
      {},
      [
        [t("gallery.people"), number(gallery.identities)],
        [t("gallery.faces"), number(gallery.faces)],
        [t("gallery.created"), time(gallery.created_at)],
      ].map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ),
    h("p", {}, t(gallery.store_crops ? "gallery.crops_kept" : "gallery.crops_not_kept")),
    h(
      "section",
      { class: "card stack" },
      h("h2", {}, t("gallery.policies")),
      choice("duplicate_check", CHECKS, (value) => t(`gallery.duplicate_${value}`), gallery, save),
      choice("person_score", SCORES, (value) => t(`gallery.person_${value}`), gallery, save),
      keepProbes(gallery, save),
      problem,
    ),
    visitorPolicy({ gallery, save }),
    await attributePolicies({ gallery, save, signal }),
    can("export") && exported(gallery.name),
    can("operate") && h("div", {}, h("button", { class: "danger", onclick: () => openDelete(gallery.name, signal) }, t("gallery.delete"))),
  );
}

function choice(field, values, words, gallery, save) {
  const select = h(
    "select",
    {
      id: field,
      value: gallery[field],
      disabled: !can("operate"),
      onchange: () => save(field, select.value, (value) => (select.value = value)),
    },
    values.map((value) => h("option", { value }, words(value))),
  );
  return h("div", { class: "field" }, h("label", { for: field }, t(`gallery.${field}`)), select);
}

/** The browser downloads it with the session's cookie. */
const exported = (name) =>
  h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("gallery.export")),
    h("p", {}, t("gallery.export_text")),
    h("pre", { tabindex: "0" }, h("code", {}, `gemel gallery import ${name}.tar`)),
    h("div", { class: "actions" }, h("a", { class: "button", href: address(path`v1/galleries/${name}/export`), download: `${name}.tar` }, t("gallery.export_button"))),
  );

function keepProbes(gallery, save) {
  const box = h("input", {
    type: "checkbox",
    checked: gallery.keep_probes,
    disabled: !can("operate"),
    onchange: () => save("keep_probes", box.checked, (value) => (box.checked = value)),
  });
  return h("label", { class: "choice" }, box, t("gallery.keep_probes"));
}

function openDelete(name, signal) {
  const typed = h("input", { id: "delete-name", autocomplete: "off", oninput: () => (button.disabled = typed.value !== name) });
  const problem = h("div");
  const button = h("button", { class: "danger", type: "submit", disabled: true }, t("gallery.delete"));
  const form = h(
    "form",
    {
      class: "stack",
      onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, erase)),
    },
    h("p", {}, t("gallery.delete_text")),
    h("div", { class: "field" }, h("label", { for: "delete-name" }, t("gallery.delete_confirm")), typed),
    problem,
    h("div", { class: "actions" }, button),
  );

  async function erase() {
    try {
      await remove(path`v1/galleries/${name}`, { signal });
    } catch (error) {
      return fill(problem, errorLine(error));
    }
    dialog.close();
    go("/galleries");
    toast(t("gallery.deleted", { name })); // on the page that is shown next
  }

  const dialog = openDialog({ title: t("gallery.delete"), content: form, signal });
}
