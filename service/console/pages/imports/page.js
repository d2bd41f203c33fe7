// Imports: choose people to enrol, look at what would happen, start; and the imports of the last weeks.

import { get, path, post } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { emptyState, errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { ago, time } from "../../format.js";
import { go, link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createChooser } from "./chooser.js";
import { looksNamedByFile, MANIFEST, plan, withoutCommonFolder } from "./items.js";
import { readManifest } from "./manifest.js";
import { createOptions } from "./options.js";
import { previewOf } from "./preview.js";
import { startUpload, uploadOf } from "./uploads.js";
import { result, title } from "./words.js";

export async function show({ params, query, signal }) {
  const { gallery } = params;
  const base = path`v1/galleries/${gallery}/imports`;
  const { imports } = await get(base, { query: { limit: 20 }, signal });
  return h(
    "div",
    { class: "stack" },
    h("header", { class: "page-head" }, h("div", {}, h("h1", {}, t("titles.imports")), h("p", { class: "muted" }, t("imports.intro")))),
    can("enrol") && newImport({ gallery, base, query, signal }),
    imports.length > 0
      ? h("section", { class: "stack" }, h("h2", {}, t("imports.earlier")), h("ul", { class: "plain stack" }, imports.map((one) => row(gallery, one))))
      : !can("enrol") && emptyState({ title: t("imports.none") }),
  );
}

function newImport({ gallery, base, query, signal }) {
  const chosen = h("div", { class: "stack" });
  const problem = h("div");
  const onError = (text) => fill(problem, h("p", { class: "error-line", role: "alert" }, text));

  async function onItems(found, label) {
    fill(problem);
    const items = withoutCommonFolder(found);
    let manifest = null;
    const lines = items.find(({ name }) => MANIFEST.test(name));
    try {
      if (lines) manifest = readManifest(lines.name, await (await lines.read()).text());
    } catch {
      onError(t("imports.bad_manifest", { name: lines.name }));
      return;
    }
    const options = createOptions({ name: label, byFile: looksNamedByFile(items), manifest, query, onChange: draw });
    const preview = h("div");
    const start = h("button", { class: "primary", type: "submit" }, t("imports.start"));
    const form = h(
      "form",
      { class: "card stack", onsubmit: (event) => void submit(event) },
      h("h2", {}, label || t("imports.chosen")),
      preview,
      options.element,
      h("div", { class: "actions" }, start, h("button", { type: "button", onclick: () => fill(chosen) }, t("common.cancel"))),
    );
    let current;
    function draw() {
      current = plan(items, { by: options.by(), manifest });
      fill(preview, previewOf(current, signal));
      start.disabled = current.pictures.length === 0;
    }
    async function submit(event) {
      event.preventDefault();
      start.disabled = true;
      try {
        const made = await post(base, { json: { ...options.values(), files: current.pictures.length }, signal });
        startUpload(gallery, made.id, current);
        go(path`/galleries/${gallery}/imports/${made.id}`);
      } catch (error) {
        fill(problem, errorLine(error));
        start.disabled = false;
      }
    }
    draw();
    fill(chosen, form);
    form.scrollIntoView({ block: "nearest" });
    start.focus({ preventScroll: true });
  }

  return h(
    "section",
    { class: "stack", "aria-label": t("imports.new") },
    query.get("several_faces") === "subject" && h("p", { class: "notice" }, t("imports.again")),
    createChooser({ onItems: (items, label) => void onItems(items, label), onError }),
    serverPath({ gallery, base, query, signal }),
    problem,
    chosen,
  );
}

function serverPath({ gallery, base, query, signal }) {
  const input = h("input", { id: "import-path", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "import-path-hint" });
  const problem = h("div");
  const options = createOptions({ name: "", byFile: false, manifest: null, query, prefix: "path", onChange: () => {} });
  const button = h("button", { class: "primary", type: "submit" }, t("imports.start"));
  const start = async () => {
    try {
      const made = await post(base, { json: { ...options.values(), path: input.value.trim() }, signal });
      go(path`/galleries/${gallery}/imports/${made.id}`);
    } catch (error) {
      fill(problem, errorLine(error));
      input.focus();
    }
  };
  return h(
    "details",
    {},
    h("summary", {}, t("imports.server_path")),
    h(
      "form",
      { class: "card stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, start)) },
      h("div", { class: "field" }, h("label", { for: "import-path" }, t("imports.path")), input, h("p", { class: "hint", id: "import-path-hint" }, t("imports.path_hint"))),
      options.element,
      problem,
      h("div", { class: "actions" }, button),
    ),
  );
}

/** Whether files are missing that this tab does not send; a program that sends files says a `key`. */
const isInterrupted = ({ id, state, path: folder, key }) =>
  state === "receiving" && folder === null && key === null && !uploadOf(id);

function row(gallery, one) {
  return h(
    "li",
    { class: "card import-row" },
    h("a", { href: link(path`/galleries/${gallery}/imports/${one.id}`) }, title(one, time)),
    h("span", { class: "badge" }, t(`imports.states.${isInterrupted(one) ? "interrupted" : one.state}`)),
    h("span", {}, result(one)),
    h("span", { class: "muted" }, t("imports.by", { name: one.created_by, when: ago(one.created_at) })),
  );
}
