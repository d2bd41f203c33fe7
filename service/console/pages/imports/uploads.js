// Sends the files of an import in small requests. Uploads go on while other pages are shown; after a reload the same
// folder is chosen again, and only what is missing is sent.

import { pages, path, post } from "../../api.js";
import { Problem } from "../../problem.js";

const FILES = 40;
const BYTES = 6_000_000;
const REQUESTS = 2;
const PAUSES_MS = [1000, 2000, 4000, 8000];

/** @type {Map<string, Upload>} by import */
const running = new Map();

/** The upload of an import that goes on in this tab, or undefined. */
export const uploadOf = (id) => running.get(id);

addEventListener("beforeunload", (event) => {
  if ([...running.values()].some((upload) => upload.state === "sending")) event.preventDefault();
});

/** Emits `change` whenever something of it has changed. */
export class Upload extends EventTarget {
  /** @type {"sending" | "finished" | "stopped"} */
  state = "sending";
  sent = 0;
  total;
  /** Whether the server has to catch up before more is sent. */
  waiting = false;
  /** @type {{name: string, code: string}[]} files that could not be read or are too large */
  unsent = [];
  /** @type {unknown} */
  error = null;
  #stop = new AbortController();

  constructor(gallery, id, plan) {
    super();
    this.gallery = gallery;
    this.id = id;
    this.plan = plan;
    this.total = plan.pictures.length;
  }

  stop() {
    this.#stop.abort();
  }

  /** Sends what the import lacks, then finishes it. Never throws: see `error`. */
  async run() {
    try {
      const left = await this.#missing();
      this.sent = this.total - left.length;
      this.#changed();
      const batches = this.#batches(left);
      await Promise.all(Array.from({ length: REQUESTS }, () => this.#work(batches)));
      await post(path`v1/galleries/${this.gallery}/imports/${this.id}/finish`, { signal: this.#stop.signal });
      this.state = "finished";
    } catch (error) {
      this.state = "stopped";
      this.error = error.name === "AbortError" ? null : error;
    }
    running.delete(this.id);
    this.#changed();
  }

  async #missing() {
    const there = new Set();
    const list = pages(path`v1/galleries/${this.gallery}/imports/${this.id}/files`, "files", {
      query: { limit: 1000 },
      signal: this.#stop.signal,
    });
    for await (const files of list) for (const { name, size } of files) there.add(`${size} ${name}`);
    return this.plan.pictures.filter(({ name, size }) => !there.has(`${size} ${name.normalize("NFC")}`));
  }

  *#batches(items) {
    let batch = [];
    let bytes = 0;
    for (const item of items) {
      if (batch.length && (batch.length === FILES || bytes + item.size > BYTES)) {
        yield batch;
        batch = [];
        bytes = 0;
      }
      batch.push(item);
      bytes += item.size;
    }
    if (batch.length) yield batch;
  }

  async #work(batches) {
    for (const batch of batches) {
      await this.#send(batch);
      this.sent += batch.length;
      this.#changed();
    }
  }

  async #form(batch) {
    const form = new FormData();
    const entries = [];
    for (const item of batch) {
      try {
        const data = new Blob([await (await item.read()).arrayBuffer()]);
        form.append("files", data, `${entries.length}`);
        entries.push({ file: item.name, ...this.plan.entries.get(item.name) });
      } catch {
        this.unsent.push({ name: item.name, code: "unreadable_file" });
      }
    }
    form.append("entries", JSON.stringify(entries));
    return entries.length ? form : null;
  }

  async #send(batch) {
    const form = await this.#form(batch);
    if (form === null) return;
    for (let attempt = 0; ; attempt++) {
      try {
        await post(path`v1/galleries/${this.gallery}/imports/${this.id}/files`, { form, signal: this.#stop.signal });
        this.#wait(false);
        return;
      } catch (error) {
        if (error instanceof Problem && error.code === "upload_too_large") return this.#sendAlone(batch, error);
        if (!(error instanceof Problem) || !error.temporary) throw error;
      }
      this.#wait(true);
      await this.#pause(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]);
    }
  }

  /** One after the other, after they were too large together. */
  async #sendAlone(batch, { code }) {
    if (batch.length === 1) this.unsent.push({ name: batch[0].name, code });
    else for (const item of batch) await this.#send([item]);
  }

  #pause(milliseconds) {
    const { signal } = this.#stop;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, milliseconds);
      signal.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    });
  }

  #wait(waiting) {
    if (this.waiting === waiting) return;
    this.waiting = waiting;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/**
 * Begins to send. Without a plan in this tab, an import that was interrupted goes on with the same files.
 * @returns {Upload}
 */
export function startUpload(gallery, id, plan) {
  const upload = new Upload(gallery, id, plan);
  running.set(id, upload);
  void upload.run();
  return upload;
}
