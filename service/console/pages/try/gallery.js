// The gallery of the first try. It is created with the first photograph, not before.

import { post } from "../../api.js";
import { findPeople } from "../../components/recognition/ask.js";
import { h } from "../../dom.js";
import { loadGalleries } from "../../layout/gallery-picker.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

const NAME = "try";

/**
 * The gallery `try`, so that no test photograph gets among the people of another gallery. A role that may not create
 * it uses the first that there is; `name` is null where there is none.
 * @param {AbortSignal} signal
 * @returns {Promise<{name: string | null, isNew: boolean, people: object[], create: () => Promise<string>}>}
 *   `people`: the first of those who were enrolled at an earlier visit; `create` creates the gallery if it is new
 */
export async function tryGallery(signal) {
  const names = can("read") ? await loadGalleries({ recent: true }) : [];
  const people = names.includes(NAME) ? (await findPeople(NAME, "", { signal })).identities : [];
  const isNew = !names.includes(NAME) && can("operate");
  const name = names.includes(NAME) || isNew ? NAME : (names[0] ?? null);
  let exists = !isNew;
  return {
    name,
    isNew,
    people,
    async create() {
      if (!exists) {
        await post("v1/galleries", { json: { name }, signal }).catch((error) => {
          if (error.code !== "gallery_exists") throw error; // another window was faster
        });
        exists = true;
        loadGalleries().catch(() => {});
      }
      return name;
    },
  };
}

export const gallerySaysWhich = ({ name, isNew }) =>
  h("p", { class: "muted" }, t(isNew ? "try.gallery_new" : "try.gallery_old", { name }));
