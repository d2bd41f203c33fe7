// The crop of an enrolled face, at a size that loads fast; an outline where there is no picture.

import { address, path } from "../../api.js";
import { h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";

await styles("./face-crop.css", import.meta.url);

const SIZES = [64, 96, 128, 192];

/** What people call somebody: the name, or else the external id. */
export const nameOf = (identity) => identity.name ?? identity.external_id ?? t(`common.${unnamed(identity)}`);

/** A time of the last sighting tells an unknown visitor from a group of unnamed photographs. */
const unnamed = ({ anonymous, last_seen_at: seen }) => (!anonymous ? "unnamed" : seen ? "visitor" : "anonymous");

/**
 * The address of a face's crop, for a picture shown at `cssPixels`.
 * @param {string} gallery
 * @param {string} identityId
 * @param {string} faceId
 */
export function cropAddress(gallery, identityId, faceId, cssPixels) {
  const pixels = cssPixels * Math.min(devicePixelRatio || 1, 2);
  const size = SIZES.find((one) => one >= pixels) ?? (pixels > 256 ? null : 192); // null: as stored, up to 336 pixels
  return address(path`v1/galleries/${gallery}/identities/${identityId}/faces/${faceId}/crop`, { size });
}

/**
 * A square that holds one picture at a time.
 * @param {{alt?: string, size?: number}} [options] `alt`: empty where a name is beside it; `size` in CSS pixels, by
 *   default as wide as its place
 * @returns {{element: HTMLElement, set: (src: string | null, alt?: string) => void}}
 */
export function createFaceCrop({ alt = "", size } = {}) {
  const element = h(
    "span",
    { class: "face-crop", style: size ? { "--crop-size": `${size / 16}rem` } : {} },
    icon("person"),
  );
  let image = null;
  let shown = null;
  return {
    element,
    set(src, text = alt) {
      if (src === shown) return;
      shown = src;
      image?.remove(); // also ends its request
      image = null;
      if (src === null) return;
      image = h("img", { src, alt: text, decoding: "async", draggable: "false", onerror: (event) => event.target.remove() });
      element.append(image);
    },
  };
}

/** The first face of `identity`, or the face `face`. `wide`: as wide as its place, of some `size` pixels. */
export function faceCrop({ gallery, identity, face = identity.faces[0], size = 96, alt = "", wide = false }) {
  const crop = createFaceCrop({ alt, size: wide ? undefined : size });
  if (face) crop.set(cropAddress(gallery, identity.id, face.id, size));
  return crop.element;
}
