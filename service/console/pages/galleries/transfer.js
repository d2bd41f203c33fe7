// Imports an export: its files are sent one after the other, and the server imports them when all are there.

import { get, path, post, put } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { openDialog } from "../../components/dialog/dialog.js";
import { createProgress } from "../../components/progress/progress.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { poll } from "../../poll.js";
import { go } from "../../router.js";
import { t } from "../../texts.js";
import { readTar } from "./tar.js";

const MANIFEST = "manifest.json";
const POLL_SECONDS = 1.5;
const ENDED = ["done", "failed", "cancelled"];

/** Its message is for people. */
class TransferFailed extends Error {}

/** @param {{galleries: string[], signal: AbortSignal}} options the names of those that there are */
export function openTransfer({ galleries, signal: ofPage }) {
  const closing = new AbortController();
  const signal = AbortSignal.any([ofPage, closing.signal]);
  const file = h("input", { id: "transfer-file", type: "file", accept: ".tar,application/x-tar", required: true, onchange: () => (reading = choose()) });
  const name = h("input", { id: "transfer-name", required: true, autocomplete: "off", "aria-describedby": "transfer-hint", oninput: draw });
  const hint = h("p", { class: "hint", id: "transfer-hint" });
  const join = h("input", { type: "checkbox" });
  const joining = h("label", { class: "choice", hidden: true }, join, t("transfer.join"));
  const problem = h("div");
  const progress = createProgress({ label: t("transfer.progress") });
  const button = h("button", { class: "primary", type: "submit" }, t("transfer.start"));
  const fields = h(
    "div",
    { class: "stack" },
    h("p", {}, t("transfer.text")),
    h("div", { class: "field" }, h("label", { for: "transfer-file" }, t("transfer.file")), file),
    h("div", { class: "field" }, h("label", { for: "transfer-name" }, t("transfer.into")), name, hint),
    joining,
  );
  const form = h(
    "form",
    { class: "stack", onsubmit: (event) => (event.preventDefault(), void whileDisabled(button, start)) },
    fields,
    progress.element,
    problem,
    h("div", { class: "actions" }, button),
  );
  progress.element.hidden = true;
  /** @type {Map<string, Blob> | null} */
  let files = null;
  /** Ends when the chosen file is read. The button waits for it. */
  let reading = Promise.resolve();
  const into = () => name.value.trim();
  const existing = () => galleries.includes(into());

  function draw() {
    hint.textContent = t(existing() ? "transfer.existing" : "galleries.name_hint");
    joining.hidden = !existing();
  }

  async function choose() {
    fill(problem);
    files = null;
    try {
      files = await readTar(file.files[0]);
      const { gallery } = JSON.parse(await files.get(MANIFEST).text());
      name.value ||= gallery.name;
    } catch {
      files = null;
      fill(problem, h("p", { class: "error-line", role: "alert" }, t("transfer.no_export")));
    }
    draw();
  }

  async function start() {
    await reading;
    if (files === null) return;
    fill(problem);
    fields.hidden = true;
    progress.element.hidden = false;
    progress.set(null, t("transfer.beginning"));
    try {
      await finish(await send());
    } catch (error) {
      fields.hidden = false;
      progress.element.hidden = true;
      const said = error instanceof TransferFailed ? h("p", { class: "error-line", role: "alert" }, error.message) : errorLine(error);
      if (error.name !== "AbortError") fill(problem, said);
    }
  }

  /** Those that the server has already are not sent again. */
  async function send() {
    const url = path`v1/galleries/${into()}/transfers`;
    const query = existing() ? { existing: true, join: join.checked } : {};
    let job = await post(url, { query, body: files.get(MANIFEST), headers: { "Content-Type": "application/json" }, signal });
    while (job.missing.length > 0) {
      for (const [number, missing] of job.missing.entries()) {
        const sent = job.files - job.files_missing + number;
        progress.set(sent / job.files, t("transfer.sent", { sent, total: job.files }));
        if (!files.has(missing)) throw new TransferFailed(t("transfer.no_export"));
        await put(`${url}/${job.id}/files/${encodeURIComponent(missing)}`, { body: files.get(missing), headers: { "Content-Type": "application/octet-stream" }, signal });
      }
      job = await get(`${url}/${job.id}`, { signal });
    }
    return job;
  }

  /** Until the server has imported it. */
  async function finish(job) {
    const url = path`v1/galleries/${job.gallery}/transfers/${job.id}`;
    await new Promise((resolve, reject) => {
      const ask = async () => {
        try {
          job = await get(url, { signal });
        } catch (error) {
          return reject(error);
        }
        const { done, faces } = job.figures;
        progress.set(faces > 0 ? done / faces : null, t(job.step === "importing" ? "transfer.importing" : "transfer.checking", { done, faces }));
        if (ENDED.includes(job.state)) resolve();
      };
      const asking = poll({ ask, seconds: () => (ENDED.includes(job.state) ? null : POLL_SECONDS), signal });
      asking.now();
      signal.addEventListener("abort", () => reject(new DOMException("left", "AbortError")), { once: true });
    });
    if (job.state !== "done") throw new TransferFailed(job.problem ?? t("transfer.cancelled"));
    dialog.close();
    go(path`/galleries/${job.gallery}/people`);
    toast(t("transfer.done", { people: t("common.people", { count: job.figures.identities_created + job.figures.identities_joined }), faces: t("common.faces", { count: job.figures.faces_added }) }));
  }

  draw();
  const dialog = openDialog({ title: t("transfer.title"), content: form, signal: ofPage, whenClosed: () => closing.abort() });
  file.focus();
}
