// A clip that somebody has recorded: whether a file is one, and its frames as pictures, to show what was judged.

import { takePicture } from "../../components/camera/camera.js";
import { h } from "../../dom.js";

const SHOWN_SIDE = 640;
const PATIENCE_MS = 5000;

/** @param {File} file */
export const isClip = (file) => file.type.startsWith("video/") || /\.(mp4|m4v|mov|webm)$/i.test(file.name ?? "");

/**
 * @param {Blob} clip
 * @param {number[]} times in milliseconds
 * @param {AbortSignal} signal
 * @returns {Promise<import("./capture.js").Frame[]>} empty where the browser cannot play it
 */
export async function framesAt(clip, times, signal) {
  const url = URL.createObjectURL(clip);
  const video = h("video", { muted: true, playsinline: true, preload: "auto", src: url });
  const frames = [];
  try {
    await happens(video, "loadeddata", signal);
    for (const time of times) {
      const found = happens(video, "seeked", signal);
      video.currentTime = time / 1000;
      await found;
      frames.push({ blob: (await takePicture(video, SHOWN_SIDE)).blob, what: null });
    }
    return frames;
  } catch {
    return [];
  } finally {
    video.removeAttribute("src");
    URL.revokeObjectURL(url);
  }
}

/** @throws where the video fails, or nothing happens for long */
function happens(video, event, signal) {
  const end = new AbortController();
  return new Promise((resolve, reject) => {
    const options = { once: true, signal: end.signal };
    const timer = setTimeout(() => reject(new Error("nothing happens")), PATIENCE_MS);
    end.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    video.addEventListener(event, resolve, options);
    video.addEventListener("error", () => reject(new Error("not playable")), options);
    signal.addEventListener("abort", () => reject(signal.reason), options);
  }).finally(() => end.abort());
}
