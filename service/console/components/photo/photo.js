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

/** The name of a person that a file's name suggests: `grace_hopper-2.jpg` is "grace hopper". */
export function personIn(fileName) {
  const words = fileName
    .replace(/\.[^.]*$/, "")
    .replace(/[\s_.-]+/g, " ")
    .replace(/\(\d+\)|\b(img|dsc|dscn|pxl|photo|image|screenshot|whatsapp|portrait|foto)\b/gi, " ")
    .replace(/\b[\da-f-]*\d[\da-f-]*\b/gi, " ")
    .replace(/\s+/g, " ")
    .trim();
  return words.slice(0, 255);
}
