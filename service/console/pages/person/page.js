// One person: faces, names, photographs to add, changes that can be undone, sightings.

import { get, path, post } from "../../api.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { openMerge } from "../../components/merge/merge.js";
import { createPersonPicker } from "../../components/person-picker/person-picker.js";
import { removeLater } from "../../components/removal/removal.js";
import { emptyState } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createAdding } from "./add.js";
import { createChanges } from "./changes.js";
import { createDetails } from "./details.js";
import { createFaces } from "./faces.js";
import { createHead } from "./unnamed.js";
import { createSightings } from "./sightings.js";

export async function show({ params, signal, setTitle }) {
  const { gallery, id } = params;
  const url = path`v1/galleries/${gallery}/identities/${id}`;
  let identity;
  try {
    identity = await get(url, { signal });
  } catch (error) {
    if (error.code === "identity_merged") return movedTo(gallery, error.extra.into);
    throw error;
  }
  const heading = h("h1", {});
  const back = h("p", {});
  const unnamed = createHead({ gallery, signal, onNamed, onChanged: reload });
  const details = createDetails({ gallery, signal, onSaved: draw });
  const faces = createFaces({ gallery, signal, onChanged: changed });
  const changes = createChanges({ gallery, id, signal, onUndone: reload });
  const sightings = can("audit") && createSightings({ gallery, id, signal });

  function draw(shown) {
    identity = shown;
    heading.textContent = nameOf(identity);
    setTitle(nameOf(identity));
    const { href, text } = listOf(gallery, identity);
    fill(back, h("a", { href }, text));
    unnamed.show(identity);
    details.show(identity);
    faces.show(identity);
  }

  /** Asks the server again. */
  async function reload() {
    draw(await get(url, { signal }));
    changes.reload();
  }

  /** A split, a move or a merge was done: its message has the way back. */
  function changed(change, text) {
    reload();
    toast(text, {
      undo: async () => {
        await post(path`v1/galleries/${gallery}/people-changes/${change.id}/undo`);
        if (!signal.aborted) await reload();
      },
    });
  }

  function chooseMerge() {
    const picker = createPersonPicker({
      gallery,
      label: t("person.merge_with"),
      without: id,
      signal,
      onChoose: async (chosen) => {
        dialog.close();
        const other = await get(path`v1/galleries/${gallery}/identities/${chosen.id}`, { signal });
        openMerge({ gallery, one: identity, other, signal, onMerged: (change) => merged(change) });
      },
    });
    const dialog = openDialog({ title: t("merge.title"), content: picker.element, signal });
    picker.focus();
  }

  function merged(change) {
    if (change.identity.id === id) return changed(change, t("merge.done", { name: nameOf(change.identity) }));
    go(path`/galleries/${gallery}/people/${change.identity.id}`);
    toast(t("merge.done", { name: nameOf(change.identity) }), {
      undo: async () => {
        await post(path`v1/galleries/${gallery}/people-changes/${change.id}/undo`);
        go(path`/galleries/${gallery}/people/${id}`);
      },
    });
  }

  /** The address of somebody who was merged leads to the other one. */
  function onNamed(_, named) {
    if (named.id === id) reload();
    else go(path`/galleries/${gallery}/people/${named.id}`);
  }

  const removePerson = () =>
    removeLater({
      path: url,
      text: t("person.removing", { name: nameOf(identity) }),
      hide: () => (location.hash = listOf(gallery, identity).href),
      show: () => go(path`/galleries/${gallery}/people/${id}`),
    });

  const actions = can("enrol") && [
    h("button", { onclick: chooseMerge }, t("person.merge")),
    h("button", { class: "danger", onclick: removePerson }, t("person.remove")),
  ];
  const element = h(
    "div",
    { class: "stack person-page" },
    back,
    h("div", { class: "page-head" }, heading, actions && h("div", { class: "actions" }, actions)),
    unnamed.element,
    faces.element,
    can("enrol") && createAdding({ gallery, id, signal, onAdded: reload }),
    details.element,
    changes.element,
    sightings,
  );
  draw(identity);
  return element;
}

/** The list that has such a person. */
function listOf(gallery, { anonymous, hidden, last_seen_at: seen }) {
  if (anonymous && seen) return { href: link(path`/galleries/${gallery}/visitors`), text: t("titles.visitors") };
  const view = hidden ? "hidden" : anonymous ? "unnamed" : "named";
  return { href: link(path`/galleries/${gallery}/people`, { show: view === "named" ? null : view }), text: t(`person.back_${view}`) };
}

const movedTo = (gallery, into) =>
  fill(
    h("div", {}),
    h("h1", {}, t("titles.person")),
    emptyState({
      title: t("person.merged"),
      text: t("person.merged_text"),
      actions: h("a", { class: "button primary", href: link(path`/galleries/${gallery}/people/${into}`) }, t("person.merged_open")),
    }),
  );
