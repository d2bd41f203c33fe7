// Does a living person sit before the camera? A burst of frames, with movements that the server draws.

import { announce } from "../../announcer.js";
import { get, post } from "../../api.js";
import { takeDropped } from "../../components/photo/drop.js";
import { photoInput, PICTURES } from "../../components/photo/photo-input.js";
import { emptyState, errorState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { t } from "../../texts.js";
import { showAnswer } from "./answer.js";
import { createCapture } from "./capture.js";
import { framesAt, isClip } from "./clip.js";
import { MAX_FRAMES, MIN_FRAMES } from "./plan.js";

const MOVEMENTS = ["0", "2", "3", "4", "5"];
const DEFAULT_MOVEMENTS = "3";

export async function show({ query, signal, setQuery }) {
  const { attributes } = await get("v1/attributes", { signal });
  const head = h("div", { class: "page-head" }, h("h1", {}, t("liveness.title")));
  const missing = problemWith(attributes, "liveness");
  if (missing) return h("div", { class: "stack" }, head, emptyState(missing));

  const result = h("div", { class: "liveness-result" });
  const movements = movementChoice({ query, setQuery, attributes });
  const start = h("button", { class: "primary", onclick: startCamera }, icon("camera"), t("camera.use"));
  const input = photoInput({ title: t("liveness.drop"), hint: t("liveness.drop_hint"), onFiles: takeFiles, signal, several: true, camera: false, accept: `${PICTURES},video/mp4,video/webm`, small: true });
  const choices = h("div", { class: "stack" }, movements.element, h("div", { class: "actions" }, start), input.element);
  let capture = null;
  let asked = null;

  takeDropped({
    onFiles: takeFiles,
    onFolder: () => input.setProblem(h("p", { class: "error-line" }, t("liveness.folder"))),
    signal,
  });

  function startCamera() {
    asked?.abort();
    capture?.stop();
    input.setProblem(null);
    capture = createCapture({
      draw,
      onFrames: (frames, token) => (choices.hidden = false, check({ frames, token })),
      onEnd: stopCamera,
      onRestart: startCamera,
      onChoose: () => (stopCamera(), input.choose()),
      signal,
    });
    choices.hidden = true;
    fill(result, capture.element);
  }
  function stopCamera() {
    capture?.stop();
    capture = null;
    choices.hidden = false;
    fill(result);
    start.focus();
  }

  const draw = async () => (movements.count() ? post("v1/liveness/challenges", { json: { movements: movements.count() }, signal }) : null);

  /** What somebody has taken before, without movements: a clip, or frames in the order of their names. */
  function takeFiles(files) {
    const clip = files.length === 1 && isClip(files[0]) ? files[0] : null;
    const enough = clip !== null || (files.length >= MIN_FRAMES && files.length <= MAX_FRAMES);
    input.setProblem(enough ? null : h("p", { class: "error-line" }, t("liveness.count", { min: MIN_FRAMES, max: MAX_FRAMES })));
    if (!enough) return;
    capture?.stop();
    choices.hidden = false;
    const byName = [...files].sort((a, b) => (a.name ?? "").localeCompare(b.name ?? "", "en", { numeric: true }));
    check(clip ? { clip } : { frames: byName.map((blob) => ({ blob, what: null })) });
  }

  async function check({ frames = [], clip = null, token = null }) {
    asked?.abort();
    const own = (asked = new AbortController());
    signal.addEventListener("abort", () => own.abort(), { once: true, signal: own.signal });
    fill(result, h("p", { role: "status" }, t("liveness.checking")));
    const form = new FormData();
    for (const { blob } of frames) form.append("frames", blob);
    if (clip) form.append("clip", clip);
    if (token !== null) form.append("token", token);
    try {
      const answer = await post("v1/liveness", { form, signal: own.signal });
      const shown = clip ? await framesAt(clip, answer.frames.map(({ at_ms: time }) => time), own.signal) : frames;
      if (own.signal.aborted) return;
      announce(t(`liveness.verdicts.${answer.verdict}`));
      fill(result, showAnswer({ answer, frames: shown, signal: own.signal }));
      start.focus({ preventScroll: true });
      result.scrollIntoView();
    } catch (error) {
      if (error.name !== "AbortError") fill(result, errorState(error));
    }
  }

  return h("div", { class: "stack" }, head, h("p", {}, t("liveness.intro")), choices, result, h("details", {}, h("summary", {}, t("liveness.limits")), h("p", {}, t("liveness.limits_text"))));
}

/** @returns {{title: string, text: string} | null} why this server does not answer it */
function problemWith(attributes, name) {
  const { permitted, available } = attributes.find((one) => one.name === name) ?? {};
  if (!permitted) return { title: t("liveness.off"), text: t("liveness.not_permitted", { name }) };
  return available ? null : { title: t("liveness.off"), text: t("liveness.unavailable") };
}

/** How many movements are drawn; the address keeps it. None where the server cannot measure a pose. */
function movementChoice({ query, setQuery, attributes }) {
  const problem = problemWith(attributes, "pose");
  const asked = query.get("movements");
  const select = h(
    "select",
    {
      id: "liveness-movements",
      disabled: problem !== null,
      "aria-describedby": "liveness-movements-hint",
      value: problem ? "0" : MOVEMENTS.includes(asked) ? asked : DEFAULT_MOVEMENTS,
      onchange: () => setQuery({ movements: select.value === DEFAULT_MOVEMENTS ? null : select.value }),
    },
    MOVEMENTS.map((count) => h("option", { value: count }, t("liveness.movement_count", { count: Number(count) }))),
  );
  const hint = h("p", { class: "hint", id: "liveness-movements-hint" }, problem ? t("liveness.no_pose") : t("liveness.movements_hint"));
  return {
    element: h("div", { class: "field" }, h("label", { for: "liveness-movements" }, t("liveness.movements_label")), select, hint),
    count: () => Number(select.value),
  };
}
