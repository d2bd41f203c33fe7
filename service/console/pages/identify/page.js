// Who is in this photograph, or before the camera?

import { announce } from "../../announcer.js";
import { createAttributeChoice } from "../../components/attributes/choice.js";
import { createAmong } from "../../components/among/among.js";
import { showAnswer } from "../../components/recognition/answer.js";
import { takeDropped } from "../../components/photo/drop.js";
import { openPhoto } from "../../components/photo/photo.js";
import { photoInput } from "../../components/photo/photo-input.js";
import { errorState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { can, current } from "../../session.js";
import { t } from "../../texts.js";
import { forget, keep, recall } from "./last.js";
import { createLive } from "./live.js";

export async function show({ params, query, signal, setQuery }) {
  const { gallery } = params;
  const result = h("div", { class: "identify-result" });
  const input = photoInput({ title: t("identify.drop"), onFiles: ask, signal });
  const liveButton = h("button", { onclick: startLive }, icon("camera"), t("identify.live"));
  const enrolling = query.get("enrol") === "on" && can("enrol");
  const among = createAmong({ gallery, query, setQuery, signal, onChange: compare });
  const also = createAttributeChoice({ gallery, query, setQuery, signal, onChange: compare });
  const conditions = () => JSON.stringify([among.key(), also.chosen()]);
  const earlier = h("div", { class: "identify-earlier" });
  let asked = null;
  let live = null;
  /** @type {import("./last.js").Last | null} */
  let shown = null;

  takeDropped({
    onFiles: ask,
    onFolder: () => input.setProblem(h("p", { class: "error-line" }, t("photo.folder"))),
    signal,
  });

  function ask(files) {
    input.setProblem(files.length > 1 ? h("p", { class: "notice" }, t("photo.only_first")) : null);
    return searchFor(files[0]);
  }

  /** @param {object[]} [boxes] that somebody drew on this photograph: they are searched for as well */
  async function searchFor(file, boxes = []) {
    stopLive();
    forget();
    display(null);
    asked?.abort();
    const own = (asked = new AbortController());
    const leave = () => own.abort();
    signal.addEventListener("abort", leave, { once: true });
    const photo = await openPhoto(file, { signal: own.signal });
    if (own.signal.aborted) return;
    fill(result, waiting(photo));
    input.element.classList.add("small");
    try {
      await also.ready; // the address may name what the gallery does not permit
      const [key, attributes] = [conditions(), also.chosen()];
      const searched = among.search();
      const search = (image, more) => searched(image, { attributes, ...more });
      const answer = await search(file, { signal: own.signal });
      const marked = [];
      for (const box of boxes) marked.push({ box, answer: await search(file, { box, signal: own.signal }) });
      if (own.signal.aborted) return;
      const element = showAnswer({ gallery, photo, answer, signal: own.signal, search: (box) => search(file, { box, signal: own.signal }), enrolling, marked });
      signal.removeEventListener("abort", leave);
      display({ gallery, element, controller: own, file, key, marked });
      keep(shown, current()?.name);
    } catch (error) {
      if (error.name !== "AbortError") fill(result, errorState(error, { retry: () => searchFor(file, boxes) }));
    }
  }

  /** @param {import("./last.js").Last | null} last */
  function display(last) {
    shown = last;
    if (last) fill(result, last.element);
    compare();
  }

  /** Says so where other conditions are chosen by now than those of the answer. */
  function compare() {
    if (shown === null || shown.key === conditions()) return fill(earlier);
    if (earlier.childElementCount) return undefined;
    const { file, marked } = shown;
    const again = h("button", { class: "primary", onclick: () => searchFor(file, marked.map(({ box }) => box)) }, t("identify.again"));
    announce(t("identify.earlier"));
    return fill(earlier, h("div", { class: "notice" }, h("p", {}, t("identify.earlier")), again));
  }

  function showLast() {
    const last = recall(gallery);
    if (last === null) return;
    input.element.classList.add("small");
    display(last);
  }
  function startLive() {
    asked?.abort();
    forget();
    stopLive();
    display(null);
    live = createLive({ gallery, among, signal, onEnd: stopLive, onRestart: startLive, onChoose: () => (stopLive(), input.choose()) });
    liveButton.hidden = true;
    input.element.hidden = true;
    fill(result, live.element);
    setQuery({ camera: "on" });
  }
  function stopLive() {
    if (live === null) return;
    live.stop();
    live = null;
    liveButton.hidden = false;
    input.element.hidden = false;
    fill(result);
    setQuery({ camera: null });
  }

  if (query.get("camera") === "on") startLive();
  else showLast();
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "page-head" }, h("h1", {}, t("identify.title")), liveButton),
    enrolling && h("p", {}, t("identify.enrolling")),
    among.element,
    also.element,
    input.element,
    earlier,
    result,
  );
}

/** The picture at the size that it will have, so that nothing jumps. */
const waiting = (photo) =>
  h(
    "div",
    { class: "answer", "aria-busy": "true" },
    h("div", { class: "answer-picture" }, photo.image && h("div", { class: "picture waiting", style: { "--ratio": `${photo.width} / ${photo.height}`, "--width": `${photo.width}` } }, h("img", { src: photo.url, alt: "" }))),
    h("p", { role: "status" }, t("identify.searching")),
  );
