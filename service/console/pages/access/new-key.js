// Creates an API key, and shows its text once.

import { post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { createKeyForm } from "../../components/key-form/key-form.js";
import { issuedKey } from "../../components/key-form/issued-key.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { current, loadSession, signIn } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {{signal: AbortSignal, whenChanged: () => void, first: boolean, latest: string | null}} options
 *   `first`: there is no key yet; `latest`: when the user's own key expires
 */
export function openNew({ signal, whenChanged, first, latest }) {
  const open = !current().sign_in_required; // from the first key on, everybody needs one
  const form = createKeyForm({ roles: open ? ["admin"] : ["identify"], latest, lasting: open, signal });
  const problem = h("div");
  const button = h("button", { class: "primary", type: "submit" }, t("access.create"));
  const element = h(
    "form",
    { class: "stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, create)) },
    open && first && h("p", { class: "notice" }, t("access.first")),
    form.fields,
    problem,
    h("div", { class: "actions" }, button),
  );
  const dialog = openDialog({ title: t("access.new"), content: element, signal });
  form.focus();

  async function create() {
    try {
      const issued = await post("v1/keys", { json: form.value(), signal });
      dialog.close();
      showKey(issued, t("access.created", { name: issued.name }));
      if (open) await signIn(issued.key).catch(loadSession);
      else whenChanged();
    } catch (error) {
      fill(problem, error.code === "permission_denied" ? h("p", { class: "error-line", role: "alert" }, t("access.beyond_own")) : errorLine(error));
    }
  }
}

/**
 * Stays when the page is left: the key is shown only here.
 * @param {{key: string}} issued
 */
export function showKey(issued, title) {
  const done = h("button", { onclick: () => dialog.close() }, t("access.stored"));
  const dialog = openDialog({ title, content: issuedKey(issued.key), actions: done });
  dialog.element.querySelector(".primary").focus();
}
