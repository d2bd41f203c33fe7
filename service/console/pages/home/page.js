// The start page: leads to the first step of a new installation, or to the gallery used last.

import { go } from "../../router.js";
import { h } from "../../dom.js";
import { can } from "../../session.js";
import { getGallery, lastGallery } from "../../layout/gallery-picker.js";
import { find, ROUTES } from "../../routes.js";
import { current } from "../../session.js";

export async function show({ signal }) {
  const gallery = await lastGallery();
  const empty = gallery === null || (await getGallery(gallery, { signal })).identities === 0;
  if (empty && can("enrol") && can("identify")) go("/try", {}, { replace: true });
  else go(first(gallery), {}, { replace: true });
  return h("div");
}

/** The first page that one may open. */
function first(gallery) {
  const paths = ROUTES.filter(({ name }) => name !== "home" && name !== "try")
    .map(({ path }) => path)
    .filter((path) => !path.includes(":id") && (gallery !== null || !path.includes(":")))
    .map((path) => path.replace(":gallery", encodeURIComponent(gallery)));
  const order = ["/identify", "/verify", "/people"];
  paths.sort((a, b) => rank(a) - rank(b));
  const allowed = paths.find((path) => find(path, { signedIn: current() !== null, can }).route.name !== "not-allowed");
  return allowed ?? "/galleries";

  function rank(path) {
    const place = order.findIndex((end) => path.endsWith(end));
    return place < 0 ? order.length : place;
  }
}
