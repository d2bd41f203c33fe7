// The files of an import while this tab sends them; or, after a reload, what to do to go on.

import { post, path } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { createProgress } from "../../components/progress/progress.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { createChooser } from "../imports/chooser.js";
import { MANIFEST, plan, withoutCommonFolder } from "../imports/items.js";
import { readManifest } from "../imports/manifest.js";
import { startUpload, uploadOf } from "../imports/uploads.js";
import { reason } from "../imports/words.js";

await styles("../imports/page.css", import.meta.url);

/** @param {{gallery: string, id: string, signal: AbortSignal, onChange: () => void}} options */
export function createSending({ gallery, id, signal, onChange }) {
  const element = h("div", { class: "stack" });
  const progress = createProgress({ label: t("import.sending") });
  const note = h("div");
  let upload = null;
  let shown = "";

  function follow(next) {
    upload = next;
    const changed = () => (onSent(), upload.state !== "sending" && onChange());
    upload.addEventListener("change", changed, { signal });
    onSent();
  }

  function onSent() {
    progress.set(upload.total ? upload.sent / upload.total : 1, t("import.sent_of", { sent: upload.sent, total: upload.total }));
    fill(
      note,
      upload.waiting && h("p", { class: "muted" }, t("import.catching_up")),
      upload.error && errorLine(upload.error),
      upload.unsent.length > 0 &&
        h("div", { class: "notice" }, t("import.unsent", { count: upload.unsent.length }), h("ul", {}, upload.unsent.slice(0, 20).map(({ name, code }) => h("li", {}, `${name}: ${reason(code)}`)))),
    );
  }

  async function goOn(found, by) {
    const items = withoutCommonFolder(found);
    const lines = items.find(({ name }) => MANIFEST.test(name));
    const manifest = lines ? readManifest(lines.name, await (await lines.read()).text()) : null;
    follow(startUpload(gallery, id, plan(items, { by, manifest })));
    show("sending");
  }

  function show(what, job) {
    if (shown === what) return;
    shown = what;
    if (what === "sending") fill(element, progress.element, note);
    else if (what === "interrupted") fill(element, interrupted(job));
    else fill(element, what === "unsent" && note);
  }

  function interrupted(job) {
    const button = h("button", { onclick: () => whileDisabled(button, finish) }, t("import.finish"));
    const finish = async () => {
      try {
        await post(path`v1/galleries/${gallery}/imports/${id}/finish`, { signal });
        onChange();
      } catch (error) {
        if (error.name !== "AbortError") fill(note, errorLine(error));
      }
    };
    const onError = (text) => fill(note, h("p", { class: "error-line", role: "alert" }, text));
    return h(
      "section",
      { class: "card stack" },
      h("h2", {}, t("import.interrupted")),
      h("p", {}, t("import.interrupted_text", { files: job.files, expected: job.files_expected ?? 0 })),
      createChooser({
        onItems: (items) => goOn(items, job.people_by).catch(() => onError(t("imports.bad_manifest", { name: "manifest" }))),
        onError,
      }),
      note,
      h("div", { class: "actions" }, button),
    );
  }

  const running = uploadOf(id);
  if (running) follow(running);
  return {
    element,
    draw(job) {
      if (upload?.state === "sending") show("sending");
      else if (job.state === "receiving" && job.path === null && can("enrol")) show("interrupted", job);
      else show(upload?.unsent.length ? "unsent" : "nothing");
    },
  };
}
