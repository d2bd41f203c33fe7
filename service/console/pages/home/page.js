// The start page: leads to the first step of a new installation, or to the gallery used last.

import { emptyState } from "../../components/states/states.js";
import { h } from "../../dom.js";
import { getGallery, lastGallery } from "../../layout/gallery-picker.js";
import { go } from "../../router.js";
import { find, ROUTES } from "../../routes.js";
import { can, current } from "../../session.js";
import { t } from "../../texts.js";

export async function show({ signal }) {
  const gallery = await lastGallery();
  if (gallery === null && !can("read")) return nameIt();
  const empty = gallery === null || (can("read") && (await getGallery(gallery, { signal })).identities === 0);
  if (empty && can("enrol") && can("identify")) go("/try", {}, { replace: true });
  else go(first(gallery), {}, { replace: true });
  return h("div");
}

/** For keys that may not list the galleries. */
const nameIt = () =>
  h("div", {}, h("h1", {}, t("titles.home")), emptyState({ title: t("home.which"), text: t("home.which_text") }));

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
