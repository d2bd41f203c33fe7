// Removes with an undo: the API cannot give back what was deleted, so the request waits as long as the message is there.

import { remove } from "../../api.js";
import { inWords } from "../../problem.js";
import { toast } from "../toast/toast.js";

const waiting = new Set();
const listeners = new Set();

/** Whether the deletion of `path` waits for its message. */
export const isLeaving = (path) => waiting.has(path);

/**
 * Calls `listener` when a deletion begins to wait, is undone, or is done; until `signal` is aborted.
 * @param {(path: string, state: "waiting" | "undone" | "removed") => void} listener
 */
export function onRemoval(listener, signal) {
  listeners.add(listener);
  signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
}

function note(path, state) {
  state === "waiting" ? waiting.add(path) : waiting.delete(path);
  for (const listener of listeners) listener(path, state);
}

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
  note(path, "waiting");
  hide();
  const undo = () => {
    note(path, "undone");
    show();
  };
  const whenGone = async () => {
    try {
      await remove(path, { keepalive: true });
      whenRemoved?.();
      note(path, "removed");
    } catch (error) {
      undo();
      toast(inWords(error), { kind: "error" });
    }
  };
  return { now: toast(text, { undo, whenGone }) };
}
