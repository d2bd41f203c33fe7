// Searches the camera's moving picture: cheap detections for the boxes, a search a second while a face is there.
//
// An empty picture costs the server more than one with a face, because it looks a second time, turned and enlarged:
// 69 to 125 ms of processor time against 13 for a detection and 26 to 40 for a search. So pictures in which nothing
// has moved since the last empty one are not sent at all.

import { h } from "../../dom.js";
import { pause } from "../../pause.js";
import { takePicture } from "./camera.js";

const SEARCH_MS = 1000;
const DETECT_MS = 250;
const EMPTY_MS = 1000;
const DETECTION_SIDE = 640;
const SEARCH_SIDE = 1280;
const GRID = [32, 18];
/** Of 255, in any cell of the grid: a camera's noise, averaged over a cell, is about 2. */
const MOVED = 12;

/**
 * One request at a time, until `signal` is aborted or `fail` returns false.
 * @param {object} options
 * @param {HTMLVideoElement} options.video
 * @param {(picture: Blob) => Promise<{faces: object[]}>} options.detect
 * @param {(picture: Blob) => Promise<{faces: object[]}>} options.search
 * @param {(faces: {box: object, found: object | null}[], answer: object | null) => void} options.show
 *   boxes in pixels of the video; `found`: the face in the last search's answer; `answer`: a new one
 * @param {(error: Error) => number | null} options.fail milliseconds until the next try; null ends it
 * @param {AbortSignal} options.signal
 */
export async function searchLive({ video, detect, search, show, fail, signal }) {
  const motion = watchMotion(video);
  let faces = [];
  let searchedAt = -Infinity;
  while (!signal.aborted) {
    let rest = EMPTY_MS;
    try {
      const now = performance.now();
      if (faces.length && now - searchedAt >= SEARCH_MS) {
        searchedAt = now;
        const answer = await sent(search, SEARCH_SIDE);
        faces = answer.faces.map((face) => ({ box: face.box, found: face }));
        if (!signal.aborted) show(faces, answer);
      } else if (faces.length || motion.hasMoved()) {
        const answer = await sent(detect, DETECTION_SIDE);
        faces = follow(faces, answer.faces);
        if (!signal.aborted) show(faces, null);
        if (!faces.length) motion.remember();
      }
      if (faces.length) rest = DETECT_MS;
    } catch (error) {
      if (signal.aborted) return;
      const wait = fail(error);
      if (wait === null) return;
      rest = wait;
    }
    await pause(rest, signal);
  }

  /** The answer, its boxes in pixels of the video; `frame`: the picture, which its landmarks are for. */
  async function sent(request, side) {
    const width = video.videoWidth;
    const scale = Math.max(1, Math.max(width, video.videoHeight) / side);
    const { blob, canvas } = await takePicture(video, side);
    const answer = await request(blob);
    const faces = answer.faces.map((face) => ({ ...face, box: scaled(face.box, scale) }));
    return { ...answer, faces, frame: canvas };
  }
}

const scaled = (box, scale) => Object.fromEntries(Object.entries(box).map(([side, value]) => [side, value * scale]));

/** Gives new boxes the names of the nearest old ones, which lie at most a box's width away. */
function follow(known, detected) {
  const left = known.filter(({ found }) => found);
  return detected.map(({ box }) => {
    const near = left
      .map((face) => ({ face, distance: Math.hypot(...between(face.box, box)) }))
      .filter(({ distance }) => distance < box.width)
      .sort((a, b) => a.distance - b.distance)[0];
    if (near) left.splice(left.indexOf(near.face), 1);
    return { box, found: near?.face.found ?? null };
  });
}

const between = (a, b) => [a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2];

/** Compares the picture with the last empty one, cell by cell of a coarse grid. */
function watchMotion(video) {
  const [width, height] = GRID;
  const context = h("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
  let last = null;
  context.imageSmoothingQuality = "medium"; // averages over a cell; "low" would sample it
  const cells = () => {
    context.drawImage(video, 0, 0, width, height);
    return context.getImageData(0, 0, width, height).data;
  };
  return {
    hasMoved: () => last === null || cells().some((value, i) => Math.abs(value - last[i]) >= MOVED),
    remember: () => (last = cells()),
  };
}
