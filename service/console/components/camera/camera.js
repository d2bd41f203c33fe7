// Opens the camera, takes pictures of it, and says in words why it cannot be opened.

import { h } from "../../dom.js";

/** `code`: the key of its words, `camera.CODE` in the texts. */
export class CameraProblem extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const CODES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "taken",
  AbortError: "taken",
};

/**
 * The camera is on until `signal` is aborted. The browser may wait for its user. If `signal` is aborted before the
 * browser answers, the promise stays pending, and the camera goes off at once.
 * @param {AbortSignal} signal
 * @returns {Promise<HTMLVideoElement>} that plays it
 * @throws {CameraProblem}
 */
export async function openCamera(signal) {
  // Browsers give pages a camera on localhost and over TLS only.
  if (!isSecureContext || !navigator.mediaDevices?.getUserMedia) throw new CameraProblem("insecure");
  const size = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: "user" };
  const stream = await navigator.mediaDevices.getUserMedia({ video: size, audio: false }).catch((error) => {
    if (!signal.aborted) throw new CameraProblem(CODES[error.name] ?? "taken");
  });
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const video = h("video", { muted: true, playsinline: true, srcObject: stream ?? null });
  if (!signal.aborted) await video.play().catch(() => {}); // it was left in the meantime
  return signal.aborted ? new Promise(() => {}) : video;
}

/**
 * What the camera shows now, as a JPEG.
 * @param {HTMLVideoElement} video
 * @param {number} [longestSide] in pixels; larger pictures are made smaller
 * @returns {Promise<{blob: Blob, canvas: HTMLCanvasElement}>}
 */
export async function takePicture(video, longestSide = Infinity) {
  const scale = Math.min(1, longestSide / Math.max(video.videoWidth, video.videoHeight));
  const canvas = h("canvas", {
    width: Math.round(video.videoWidth * scale),
    height: Math.round(video.videoHeight * scale),
  });
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return { blob, canvas };
}
