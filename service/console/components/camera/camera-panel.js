// The camera's picture with a button that takes a photograph.

import { announce } from "../../announcer.js";
import { fill, h } from "../../dom.js";
import { icon } from "../../layout/icons.js";
import { styles } from "../../styles.js";
import { t } from "../../texts.js";
import { CameraProblem, openCamera, takePicture } from "./camera.js";

await styles("./camera.css", import.meta.url);

/**
 * @param {{onPicture: (blob: Blob) => void, onClose: () => void, onChoose: () => void, signal: AbortSignal}} options
 *   `onChoose`: somebody whose camera does not work wants to choose a file
 * @returns {HTMLElement}
 */
export function openCameraPanel({ onPicture, onClose, onChoose, signal }) {
  const off = new AbortController();
  signal.addEventListener("abort", () => off.abort(), { once: true, signal: off.signal });
  document.addEventListener("visibilitychange", () => document.hidden && close(), { signal: off.signal });
  const closer = h("button", { onclick: close }, t("common.cancel"));
  const actions = h("div", { class: "actions" }, closer);
  const panel = h("div", { class: "camera-panel" }, h("p", { role: "status" }, t("camera.opening")), actions);

  function close() {
    off.abort();
    onClose();
  }

  openCamera(off.signal).then(
    (video) => {
      const take = h(
        "button",
        {
          class: "primary",
          onclick: async () => {
            const { blob } = await takePicture(video);
            close();
            onPicture(blob);
          },
        },
        icon("camera"),
        t("camera.take"),
      );
      fill(panel, cameraIsOn(), h("div", { class: "camera-view" }, video), h("div", { class: "actions" }, take, closer));
      announce(t("camera.on"));
      take.focus();
    },
    (error) => {
      if (!(error instanceof CameraProblem)) throw error;
      const choose = h("button", { onclick: () => (close(), onChoose()) }, t("camera.choose"));
      fill(panel, cameraProblem(error), h("div", { class: "actions" }, choose, closer));
    },
  );
  return panel;
}

/** Says that the camera is on, as long as it is. */
export const cameraIsOn = () => h("p", { class: "camera-on" }, h("span", { class: "camera-light" }), t("camera.on"));

/** @param {CameraProblem} error */
export const cameraProblem = (error) => h("p", { class: "error-line", role: "alert" }, t(`camera.${error.code}`));
