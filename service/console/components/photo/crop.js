// Cuts faces out of a photograph in the browser, as the server cuts those that it stores.

import { h } from "../../dom.js";

/** Eyes, nose, corners of the mouth in a picture of 112 x 112 pixels: the template that the server aligns to. */
const TEMPLATE = [
  [38.2946, 51.6963],
  [73.5318, 51.5014],
  [56.0252, 71.7366],
  [41.5493, 92.3655],
  [70.7299, 92.2041],
];
const SIDE = 112;
const MARGIN = SIDE / 4;
const POINTS = ["left_eye", "right_eye", "nose", "mouth_left", "mouth_right"];

/**
 * The upright face with the margin of stored crops, so that both can be compared side by side. They differ by a few
 * pixels where an answer's landmarks are refined: stored crops are cut by the detected ones.
 * @param {CanvasImageSource} image
 * @param {Record<string, number[]>} landmarks of the answer
 * @param {string} label what it shows
 * @returns {HTMLCanvasElement}
 */
export function faceCrop(image, landmarks, label) {
  const scale = 1.5;
  const side = Math.round((SIDE + 2 * MARGIN) * scale);
  const canvas = h("canvas", { width: side, height: side, role: "img", "aria-label": label, class: "crop" });
  const context = canvas.getContext("2d");
  const targets = TEMPLATE.map(([x, y]) => [(x + MARGIN) * scale, (y + MARGIN) * scale]);
  context.imageSmoothingQuality = "high";
  context.setTransform(...similarity(POINTS.map((name) => landmarks[name]), targets));
  context.drawImage(image, 0, 0);
  return canvas;
}

/**
 * The rotation, scale and shift that bring `from` closest to `to`: least squares, written with complex numbers
 * (Umeyama 1991). The six numbers of a canvas's transform.
 */
function similarity(from, to) {
  const mean = (points) => [0, 1].map((i) => points.reduce((sum, point) => sum + point[i], 0) / points.length);
  const [fx, fy] = mean(from);
  const [tx, ty] = mean(to);
  let real = 0;
  let imaginary = 0;
  let spread = 0;
  for (const [i, [x, y]] of from.entries()) {
    const [ax, ay, bx, by] = [x - fx, y - fy, to[i][0] - tx, to[i][1] - ty];
    real += ax * bx + ay * by;
    imaginary += ax * by - ay * bx;
    spread += ax * ax + ay * ay;
  }
  const [a, b] = spread > 0 ? [real / spread, imaginary / spread] : [1, 0];
  return [a, b, -b, a, tx - (a * fx - b * fy), ty - (b * fx + a * fy)];
}
