// Merges two people: both side by side, who remains, what is taken from the other; a preview of what comes out.

import { path, post } from "../../api.js";
import { fill, h } from "../../dom.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { openDialog } from "../dialog/dialog.js";
import { faceCrop, nameOf } from "../face-crop/face-crop.js";
import { errorLine } from "../states/states.js";

await styles("./merge.css", import.meta.url);

const FIELDS = ["name", "external_id", "metadata"];
const isEmpty = (value) => value === null || (typeof value === "object" && Object.keys(value).length === 0);
const written = (value) => (typeof value === "object" ? JSON.stringify(value) : value);

/**
 * @param {object} options
 * @param {string} options.gallery
 * @param {any} options.one identities, as the API shows them
 * @param {any} options.other
 * @param {(change: any) => void} options.onMerged the API's answer
 * @param {AbortSignal} options.signal
 */
export function openMerge({ gallery, one, other, onMerged, signal }) {
  let kept = one;
  let gone = other;
  /** @type {Set<string>} fields that come from `gone` */
  const taken = new Set();
  const content = h("div", { class: "stack" });
  const problem = h("div");
  const button = h("button", { class: "primary", onclick: () => merge(false) }, t("merge.merge"));

  function choose(first, second) {
    [kept, gone] = [first, second];
    taken.clear();
    for (const field of FIELDS) if (isEmpty(kept[field]) && !isEmpty(gone[field])) taken.add(field);
    draw();
  }

  function draw() {
    const differing = FIELDS.filter((field) => !isEmpty(gone[field]) && written(gone[field]) !== written(kept[field]));
    fill(
      content,
      h("p", {}, t("merge.text", { kept: nameOf(kept), gone: nameOf(gone) })),
      h("div", { class: "merge-pair" }, [one, other].map(person)),
      differing.length > 0 && h("fieldset", { class: "stack" }, h("legend", {}, t("merge.take")), differing.map(choice)),
      h("p", {}, t("merge.result", { name: preview("name") ?? preview("external_id") ?? t("common.unnamed"), faces: t("common.faces", { count: kept.faces_total + gone.faces_total }) })),
    );
  }

  const preview = (field) => (taken.has(field) ? gone : kept)[field];

  const person = (identity) =>
    h(
      "figure",
      {},
      faceCrop({ gallery, identity, size: 144 }),
      h("figcaption", {}, nameOf(identity), h("br"), h("span", { class: "muted" }, t("common.faces", { count: identity.faces_total }))),
      h(
        "label",
        { class: "choice" },
        h("input", {
          type: "radio",
          name: "merge-kept",
          checked: identity === kept,
          onchange: () => {
            choose(identity, identity === one ? other : one);
            content.querySelectorAll("input[type=radio]")[identity === one ? 0 : 1].focus();
          },
        }),
        t("merge.remains"),
      ),
    );

  const choice = (field) =>
    h(
      "label",
      { class: "choice" },
      h("input", {
        type: "checkbox",
        checked: taken.has(field),
        onchange: (event) => {
          event.target.checked ? taken.add(field) : taken.delete(field);
          const index = [...content.querySelectorAll("input[type=checkbox]")].indexOf(event.target);
          draw();
          content.querySelectorAll("input[type=checkbox]")[index]?.focus();
        },
      }),
      t("merge.take_field", { field: t(`person.${field}`), value: written(gone[field]) }),
    );

  async function merge(although) {
    button.disabled = true;
    fill(problem);
    try {
      const json = { other: gone.id, take: [...taken], although_distinct: although };
      const change = await post(path`v1/galleries/${gallery}/identities/${kept.id}/merge`, { json, signal });
      dialog.close();
      onMerged(change);
    } catch (error) {
      if (error.name === "AbortError") return;
      const anyway = error.code === "people_distinct" && h("button", { onclick: () => merge(true) }, t("merge.anyway"));
      fill(problem, errorLine(error), anyway);
    } finally {
      button.disabled = false;
    }
  }

  choose(one, other);
  const cancel = h("button", { onclick: () => dialog.close() }, t("common.cancel"));
  const dialog = openDialog({ title: t("merge.title"), content: h("div", { class: "stack" }, content, problem), actions: [button, cancel], signal });
}
