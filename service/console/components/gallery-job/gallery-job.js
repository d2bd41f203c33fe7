// A job of a gallery that a button begins: how far it is, and what came of the last one.

import { get, post } from "../../api.js";
import { fill, h } from "../../dom.js";
import { poll } from "../../poll.js";
import { can } from "../../session.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { createProgress } from "../progress/progress.js";
import { errorLine } from "../states/states.js";

await styles("./gallery-job.css", import.meta.url);

const POLL_SECONDS = 1.5;
const OPEN = ["waiting", "running"];

/**
 * @typedef {object} Words
 * @property {string} title
 * @property {string} intro what it does
 * @property {string} start the button that begins it
 * @property {string} progress
 * @property {(job: object) => string} step what is being done
 * @property {(job: object) => any} result of a job that has ended
 */

/** @typedef {(action: () => Promise<object>) => Promise<void>} Act does something with the job, which it returns */

/**
 * @param {object} options
 * @param {string} options.url of the jobs
 * @param {string} options.list the field that has them in an answer
 * @param {Words} options.words
 * @param {() => object} options.body of the request that begins one
 * @param {HTMLElement} options.choices for the next one
 * @param {(job: object) => number | null} [options.share] how far it is, 0 to 1; null while that is not known
 * @param {(job: object, act: Act) => any} [options.further] buttons for a job that has ended
 * @param {AbortSignal} options.signal
 * @param {() => void} options.onDone a job has ended
 * @returns {Promise<HTMLElement>} when it is known what came of the last job
 */
export async function createGalleryJob({ url, list, words, body, choices, share = compared, further = () => null, signal, onDone }) {
  const start = h("button", { class: "primary", onclick: () => act(() => post(url, { json: body(), signal })) }, words.start);
  const cancel = h("button", { hidden: true, onclick: () => act(() => post(`${url}/${job.id}/cancel`, { signal })) }, t("common.cancel"));
  const progress = createProgress({ label: words.progress });
  const said = h("p", { role: "status" });
  const more = h("div", { class: "actions" });
  const problem = h("div");
  const options = h("details", {}, h("summary", {}, t("common.options")), choices);
  let job = null;
  const isOpen = () => job !== null && OPEN.includes(job.state);
  const asking = poll({ ask: refresh, seconds: () => (isOpen() ? POLL_SECONDS : null), signal });

  function draw() {
    progress.element.hidden = !isOpen();
    start.hidden = options.hidden = isOpen() || !can("enrol");
    cancel.hidden = !isOpen() || !can("enrol");
    if (isOpen()) progress.set(share(job), words.step(job));
    fill(said, job && !isOpen() && words.result(job));
    fill(more, job && !isOpen() && further(job, act));
  }

  async function refresh() {
    job = await get(`${url}/${job.id}`, { signal });
    draw();
    if (!isOpen()) onDone(); // what was cancelled or has failed may have changed something, too
  }

  async function act(action) {
    fill(problem);
    start.disabled = cancel.disabled = true; // a double click asks once
    try {
      job = await action();
      draw();
      asking.wake();
    } catch (error) {
      if (error.name !== "AbortError") fill(problem, errorLine(error));
    } finally {
      start.disabled = cancel.disabled = false;
    }
  }

  ({
    [list]: [job = null],
  } = await get(url, { query: { limit: 1 }, signal }));
  draw();
  asking.wake();
  return h(
    "section",
    { class: "card gallery-job", "aria-label": words.title },
    h("div", { class: "gallery-job-head" }, h("p", {}, words.intro), h("div", { class: "actions" }, start, cancel)),
    progress.element,
    said,
    more,
    problem,
    options,
  );
}

/** Comparing takes nearly all of the time. */
const compared = ({ figures }) => (figures.faces > 0 ? figures.compared / figures.faces : null);
