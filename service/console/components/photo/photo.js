// A photograph in the page: the file as it will be sent, and how to show it.

import { h } from "../../dom.js";

/**
 * @typedef {object} Photo
 * @property {Blob} blob the file as it was given: it is sent unchanged
 * @property {string} name of the file; empty for one from the clipboard or the camera
 * @property {HTMLImageElement | null} image null where the browser cannot show the format, such as HEIC
 * @property {number} width in pixels as it is shown, with the rotation that its EXIF asks for; 0 without an image
 * @property {number} height
 * @property {string} url
 */

/**
 * @param {Blob} blob
 * @param {{name?: string, signal?: AbortSignal}} [options] `signal`: frees the memory when the page is left
 * @returns {Promise<Photo>}
 */
export async function openPhoto(blob, { name = blob.name ?? "", signal } = {}) {
  const url = URL.createObjectURL(blob);
  signal?.addEventListener("abort", () => URL.revokeObjectURL(url), { once: true });
  const image = h("img", { src: url, alt: "", decoding: "async" });
  const shown = await image.decode().then(
    () => true,
    () => false,
  );
  return {
    blob,
    name,
    url,
    image: shown ? image : null,
    width: shown ? image.naturalWidth : 0,
    height: shown ? image.naturalHeight : 0,
  };
}

/** Words of file names that are no person's. */
const NO_NAMES = new Set("dsc dscn foto image img photo picture portrait pxl screenshot unnamed whatsapp".split(" "));

/** The name of a person that a file's name suggests: `grace_hopper-2.jpg` is "grace hopper"; often none. */
export function personIn(fileName) {
  const words = fileName.replace(/\.[^.]*$/, "").split(/[\s_.()-]+/);
  const names = words.filter((word) => word && !/\d/.test(word) && !NO_NAMES.has(word.toLowerCase()));
  return names.join(" ").slice(0, 255);
}
