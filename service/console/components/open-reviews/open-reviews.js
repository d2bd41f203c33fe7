// A link to the pairs of a gallery that may be one person each, where some are open.

import { get, path } from "../../api.js";
import { h } from "../../dom.js";
import { link } from "../../router.js";
import { t } from "../../texts.js";

const MOST = 100;

/**
 * How many pairs are open; 0 if that cannot be found out, since it only adds to a page.
 * @returns {Promise<{count: number, more: boolean}>}
 */
export async function openReviews(gallery, signal) {
  try {
    const { reviews, next_cursor: more } = await get(path`v1/galleries/${gallery}/reviews`, { query: { state: "open", limit: MOST }, signal });
    return { count: reviews.length, more: more !== null };
  } catch {
    return { count: 0, more: false };
  }
}

/**
 * @param {string} gallery
 * @param {{count: number, more: boolean}} open
 * @param {string} [text] why they matter here
 */
export const reviewsNotice = (gallery, { count, more }, text) =>
  count > 0 &&
  h(
    "p",
    { class: "notice" },
    t(more ? "reviews.open_more" : "reviews.open", { count }),
    " ",
    text && `${text} `,
    h("a", { href: link(path`/galleries/${gallery}/reviews`) }, t("reviews.review_them")),
  );
