// Removes with an undo: the API cannot give back what was deleted, so the request waits as long as the message is there.

import { remove } from "../../api.js";
import { inWords } from "../../problem.js";
import { toast } from "../toast/toast.js";

/**
 * @param {object} options
 * @param {string} options.path of what is deleted
 * @param {string} options.text says what will be removed; the deletion is sent when the message goes, or the page closes
 * @param {() => void} options.hide takes it out of the page
 * @param {() => void} options.show puts it back: it was undone, or the server refused
 * @param {() => void} [options.whenRemoved]
 * @returns {{now: () => void}} sends it at once
 */
export function removeLater({ path, text, hide, show, whenRemoved }) {
  hide();
  const whenGone = async () => {
    try {
      await remove(path, { keepalive: true });
      whenRemoved?.();
    } catch (error) {
      show();
      toast(inWords(error), { kind: "error" });
    }
  };
  return { now: toast(text, { undo: show, whenGone }) };
}
