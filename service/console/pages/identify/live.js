// Identify before the camera: boxes and names over the moving picture, and who was seen last.

import { announce } from "../../announcer.js";
import { CameraProblem, openCamera } from "../../components/camera/camera.js";
import { cameraIsOn, cameraProblem } from "../../components/camera/camera-panel.js";
import { searchLive } from "../../components/camera/live.js";
import { nameOf } from "../../components/face-crop/face-crop.js";
import { candidateCard, enrolledCrop } from "../../components/match/candidate.js";
import { qualityLine } from "../../components/match/quality.js";
import { faceCrop } from "../../components/photo/crop.js";
import { pictureWithBoxes } from "../../components/picture/picture.js";
import { boxOf, matchOf, nobody, summary } from "../../components/recognition/answer.js";
import { detect } from "../../components/recognition/ask.js";
import { errorLine } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { Problem } from "../../problem.js";
import { t } from "../../texts.js";

const RETRY_MS = 3000;

/**
 * @param {{gallery: string, among: {search: () => Function}, signal: AbortSignal, onEnd: () => void, onRestart: () => void, onChoose: () => void}} options
 *   called when somebody turns the camera off, when somebody wants it on
 *   again, and when somebody chooses a file instead
 * @returns {{element: HTMLElement, stop: () => void}}
 */
export function createLive({ gallery, among, signal, onEnd, onRestart, onChoose }) {
  const off = new AbortController();
  signal.addEventListener("abort", () => off.abort(), { once: true, signal: off.signal });
  const stop = h("button", { class: "primary", onclick: onEnd }, t("camera.off"));
  const problem = h("div");
  const crops = new Map();
  const people = h("div", { class: "live-people stack" }, h("p", {}, t("identify.nobody_yet")));
  const element = h("div", {}, h("p", { role: "status" }, t("camera.opening")), stop);
  document.addEventListener("visibilitychange", () => document.hidden && pauseCamera(), { signal: off.signal });

  openCamera(off.signal).then(run, (error) => {
    if (!(error instanceof CameraProblem)) throw error;
    const choose = h("button", { onclick: onChoose }, t("camera.choose"));
    fill(element, cameraProblem(error), h("div", { class: "actions" }, choose, h("button", { onclick: onEnd }, t("common.close"))));
  });

  function run(video) {
    const picture = pictureWithBoxes(video, { width: video.videoWidth, height: video.videoHeight });
    fill(
      element,
      h("div", { class: "stack" }, h("div", { class: "actions" }, cameraIsOn(), stop), problem, h("div", { class: "live" }, picture.element, people)),
    );
    announce(t("camera.on"));
    let said = "";
    return searchLive({
      video,
      signal: off.signal,
      detect: (blob) => detect(blob, { signal: off.signal }),
      search: (blob) => among.search()(blob, { candidates: 1, signal: off.signal }),
      show(faces, answer) {
        fill(problem);
        picture.show(faces.map(({ box, found }, number) => ({ ...boxWords(found, number), box })));
        if (answer === null) return;
        const words = summary(answer);
        if (words !== said) announce((said = words)); // not every second the same
        fill(people, h("h2", {}, words), answer.faces.map((face, number) => seen(face, number, answer)));
      },
      fail(error) {
        if (error.name === "AbortError") return null;
        fill(problem, errorLine(error));
        if (!(error instanceof Problem) || !error.temporary) {
          off.abort();
          stop.textContent = t("common.close");
          return null;
        }
        return (error.retryAfterSeconds ?? 0) * 1000 || RETRY_MS;
      },
    });
  }

  /** Asked for once, not with each search: the audit record notes whenever a face is shown. */
  function enrolledOf({ identity, face_id: id, gallery: other = gallery }) {
    if (!crops.has(id)) crops.set(id, enrolledCrop(other, identity.id, id, t("match.enrolled_crop", { name: nameOf(identity) })));
    return crops.get(id);
  }

  function seen(face, number, answer) {
    const match = matchOf(face);
    if (!match) return h("div", { class: "card" }, h("h3", {}, t("answer.face", { number: number + 1, name: nobody(face) })), qualityLine(face));
    const probe = faceCrop(answer.frame, face.landmarks, t("answer.crop", { number: number + 1 }));
    return h("div", { class: "card stack" }, candidateCard({ gallery, candidate: match, answer, probe, enrolled: enrolledOf(match), level: 3 }), qualityLine(face));
  }

  /** A page in the background does not watch: the camera is off until somebody comes back and turns it on. */
  function pauseCamera() {
    off.abort();
    fill(element, h("p", { class: "notice" }, t("camera.hidden")), h("div", { class: "actions" }, h("button", { class: "primary", onclick: onRestart }, t("camera.again"))));
  }

  return { element, stop: () => off.abort() };
}

function boxWords(found, number) {
  if (found === null) return { kind: "none", label: t("identify.looking"), name: t("identify.looking") };
  return boxOf(found, number);
}
