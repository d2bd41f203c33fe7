// One of the two pictures: an input until there is one, then the picture with the face that is compared.

import { photoInput } from "../../components/photo/photo-input.js";
import { openPhoto } from "../../components/photo/photo.js";
import { pictureWithBoxes } from "../../components/picture/picture.js";
import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";

/**
 * @param {{title: string, drop: string, onPhoto: () => void, signal: AbortSignal}} options
 * @returns {{element: HTMLElement, photo: () => import("../../components/photo/photo.js").Photo | null,
 *   take: (file: Blob) => Promise<void>, mark: (face: object) => void}}
 */
export function createSlot({ title, drop, onPhoto, signal }) {
  const input = photoInput({ title: drop, onFiles: ([file]) => take(file), signal });
  const element = h("div", { class: "slot" }, input.element);
  let photo = null;
  let picture = null;

  async function take(file) {
    photo = await openPhoto(file, { signal });
    if (signal.aborted) return;
    picture = pictureWithBoxes(photo.image, { ...photo, missing: t("photo.not_shown") });
    const other = h("button", { onclick: clear }, t("verify.other_picture"));
    fill(element, h("h2", {}, title), picture.element, h("div", { class: "actions" }, other));
    onPhoto();
  }
  function clear() {
    photo = null;
    fill(element, input.element);
    element.querySelector("input").focus();
    onPhoto();
  }

  return {
    element,
    take,
    photo: () => photo,
    mark: (face) => photo?.image && picture.show([{ box: face.box, kind: "none", label: t("verify.compared"), name: t("verify.compared") }]),
  };
}
