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

/** Words that cameras, telephones and programs put into names of files: such a name is no person's. */
const NO_NAMES = new Set(
  `avatar badge bild camera capture cimg clipboard copy crop cropped download dsc dscf dscn edited face faces file foto frame
  gopr hdr headshot image images imagen img imgp mg mvimg original pano passport pasted photo photograph photos pic pics
  pict picture pictures portrait profile pxl sample scan screenshot selfie snapshot still test thumb thumbnail unknown
  unnamed untitled vid webcam whatsapp`.split(/\s+/),
);
/** What several pictures of one person have at the end: `grace_hopper-2`, `Grace Hopper (3)`, `Grace_Hopper_0001`. */
const COUNTER = /[\s_.(-]+(?!(?:19|20)\d\d\b)\d{1,4}\)?$/;

/**
 * The name of a person that a file's name suggests: `grace_hopper-2.jpg` is "grace hopper". Often none: names by cameras,
 * dates and ids suggest nobody.
 */
export function personIn(fileName) {
  const words = fileName.replace(/\.[^.]*$/, "").replace(COUNTER, "").split(/[\s_.()-]+/).filter(Boolean);
  const isName = words.every((word) => /\p{L}/u.test(word) && !/\p{N}/u.test(word) && !NO_NAMES.has(word.toLowerCase()));
  return isName ? words.join(" ").slice(0, 255) : "";
}
