// Tells a person before the camera what to do, one step after another, and takes the frames.
//
// The preview is mirrored, because people know themselves from mirrors; the frames are not, because the server's left and
// right are the person's own.

import { announce } from "../../announcer.js";
import { CameraProblem, openCamera, takePicture } from "../../components/camera/camera.js";
import { cameraIsOn, cameraProblem } from "../../components/camera/camera-panel.js";
import { playTone } from "../../components/camera/tone.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { pause } from "../../pause.js";
import { t } from "../../texts.js";
import { plan } from "./plan.js";
import { instruction, sign } from "./words.js";

/** Time to read a step and to do it. */
const SECONDS = 3;
const BETWEEN_FRAMES_MS = 450;
const LONGEST_SIDE = 1280;

/**
 * @typedef {object} Frame
 * @property {Blob} blob a JPEG
 * @property {string | null} what the step at which it was taken
 */

/**
 * @param {object} options
 * @param {() => Promise<{token: string, movements: string[]} | null>} options.draw a challenge; null: without movements
 * @param {(frames: Frame[], token: string | null) => void} options.onFrames the camera is off by then
 * @param {() => void} options.onEnd somebody turns the camera off
 * @param {() => void} options.onRestart somebody wants it on again
 * @param {() => void} options.onChoose somebody chooses files instead
 * @param {AbortSignal} options.signal
 * @returns {{element: HTMLElement, stop: () => void}}
 */
export function createCapture({ draw, onFrames, onEnd, onRestart, onChoose, signal }) {
  const off = new AbortController();
  signal.addEventListener("abort", () => off.abort(), { once: true, signal: off.signal });
  document.addEventListener("visibilitychange", () => document.hidden && pauseCamera(), { signal: off.signal });
  const end = h("button", { onclick: onEnd }, t("camera.off"));
  const element = h("section", { class: "capture", "aria-label": t("liveness.camera") }, h("p", { role: "status" }, t("camera.opening")), end);

  openCamera(off.signal).then(ready, (error) => {
    if (!(error instanceof CameraProblem)) throw error;
    const choose = h("button", { onclick: onChoose }, t("liveness.choose"));
    fill(element, cameraProblem(error), h("div", { class: "actions" }, choose, h("button", { onclick: onEnd }, t("common.close"))));
  });

  function ready(video) {
    const words = h("p", { class: "capture-words" }, t("liveness.ready"));
    const place = h("div");
    const begin = h("button", { class: "primary", onclick: () => run() }, t("liveness.begin"));
    const actions = h("div", { class: "actions" }, begin, end);
    fill(element, cameraIsOn(), place, words, h("div", { class: "capture-view" }, video), actions);
    announce(`${t("camera.on")}. ${t("liveness.ready")}`);
    begin.focus();

    async function run() {
      begin.remove();
      end.focus();
      fill(place);
      try {
        const challenge = await draw();
        const frames = await take(video, plan(challenge?.movements ?? []), words, off.signal);
        if (off.signal.aborted) return;
        off.abort();
        onFrames(frames, challenge?.token ?? null);
      } catch (error) {
        if (error.name === "AbortError" || off.signal.aborted) return;
        fill(place, errorLine(error));
        fill(words, t("liveness.ready"));
        actions.prepend(begin);
      }
    }
  }

  /** A page in the background does not watch. A challenge is lost then: the next one is drawn at the next try. */
  function pauseCamera() {
    off.abort();
    const again = h("button", { class: "primary", onclick: onRestart }, t("camera.again"));
    fill(element, h("p", { class: "notice" }, t("camera.hidden")), h("div", { class: "actions" }, again));
  }

  return { element, stop: () => off.abort() };
}

/** @returns {Promise<Frame[]>} those of the steps so far, where `signal` was aborted */
async function take(video, steps, place, signal) {
  const frames = [];
  for (const [number, { what, frames: count }] of steps.entries()) {
    const left = h("span", { class: "capture-left" });
    const tell = h("span", {}, instruction(what));
    fill(place, h("span", { class: "capture-sign", "aria-hidden": "true" }, sign(what)), tell, left);
    announce(`${t("liveness.step", { number: number + 1, count: steps.length })}: ${instruction(what)}`);
    for (let seconds = SECONDS; seconds > 0 && !signal.aborted; seconds--) {
      fill(left, h("span", { "aria-hidden": "true" }, seconds), h("span", { class: "visually-hidden" }, t("liveness.seconds", { count: seconds })));
      await pause(1000, signal);
    }
    fill(left, t("liveness.hold"));
    for (let taken = 0; taken < count && !signal.aborted; taken++) {
      const { blob } = await takePicture(video, LONGEST_SIDE);
      frames.push({ blob, what });
      await pause(BETWEEN_FRAMES_MS, signal);
    }
    if (!signal.aborted) playTone(); // the step is over
  }
  return frames;
}
