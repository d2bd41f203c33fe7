// What may be done with a face of an answer: say that it is somebody else, add it to a person, enrol it as new.

import { fill, h } from "../../dom.js";
import { t } from "../../texts.js";
import { nameOf } from "../face-crop/face-crop.js";
import { personIn } from "../photo/photo.js";
import { answerFor } from "../match/candidate.js";
import { errorLine } from "../states/states.js";
import { toast } from "../toast/toast.js";
import { addFace, dispute, enrol, removeFace, removePerson, withdraw } from "./ask.js";
import { rejectionInWords } from "./rejection.js";

/**
 * @typedef {object} FaceContext
 * @property {string} gallery
 * @property {import("../photo/photo.js").Photo} photo
 * @property {object} answer
 * @property {number} number of the face in the answer
 * @property {AbortSignal} signal
 * @property {boolean} marked whether somebody drew a box around the face
 * @property {(text: string | null, said?: {person?: object, not?: object}) => void} note says on the face's card what was done
 */

/** "Not this person". @param {FaceContext} context */
export function disputeButton({ answer: all, number, note }, candidate) {
  const answer = { ...all, ...answerFor(candidate, all) };
  const name = nameOf(candidate.identity);
  const problem = h("div");
  const button = h("button", { onclick: () => act(button, problem, say) }, t("answer.not_this_person"));

  async function say() {
    const { id } = await dispute(answer.audit_id, answer.faces[number].number, candidate.identity.id);
    showDisputed(true);
    note(t("answer.disputed", { name }), { not: candidate.identity });
    toast(t("answer.disputed", { name }), {
      undo: async () => {
        await withdraw(answer.audit_id, id);
        showDisputed(false);
        note(null);
      },
    });
  }
  /** The candidate's badge "Match" goes with the button. */
  function showDisputed(yes) {
    button.closest(".candidate").querySelector(".badge").hidden = yes;
    button.hidden = yes;
  }
  return [button, problem];
}

/** "Add to this person". @param {FaceContext} context */
export function addButton(context, candidate) {
  const { photo, signal, note } = context;
  const gallery = candidate.gallery ?? context.gallery;
  const name = nameOf(candidate.identity);
  const problem = h("div");
  const button = h("button", { onclick: () => act(button, problem, add) }, t(candidate.identity.anonymous ? "answer.add_to_unnamed" : "answer.add_to", { name }));

  async function add() {
    const added = await addFace(gallery, candidate.identity.id, photo.blob, { ...choice(context), signal });
    const [face] = added.faces;
    button.hidden = true;
    note([t("answer.added", { name }), ...added.warnings.map((warning) => warning.message)].join(" "), { person: candidate.identity });
    toast(t("answer.added", { name }), {
      undo: async () => {
        await removeFace(gallery, candidate.identity.id, face.id);
        button.hidden = false;
        note(null);
      },
    });
  }
  return [button, problem];
}

/** "Enrol as a new person", with a name. @param {FaceContext} context */
export function enrolForm(context, { open }) {
  const { gallery, number, photo, answer, signal, marked, note } = context;
  const id = `enrol-name-${number}`;
  const suggested = answer.faces_found === 1 && !marked ? personIn(photo.name) : "";
  const name = h("input", { id, name: "name", value: suggested, autocomplete: "off", maxlength: 255 });
  const problem = h("div");
  const button = h("button", { type: "submit", class: open ? "primary" : "" }, t("answer.enrol"));
  const form = h(
    "form",
    { class: "enrol-form", onsubmit: (event) => (event.preventDefault(), act(button, problem, () => save())) },
    h("div", { class: "field" }, h("label", { for: id }, t("answer.name")), name),
    button,
  );
  const element = h("details", { class: "enrol", open }, h("summary", {}, t("answer.enrol_as_new")), h("div", { class: "stack" }, form, problem));

  async function save(allowDuplicate = false) {
    const typed = name.value.trim();
    let person;
    try {
      const options = { name: typed, ...choice(context), allowDuplicate, signal };
      person = await enrol(gallery, photo.blob, options);
    } catch (error) {
      if (error.code !== "duplicate_identity") throw error;
      const anyway = h("button", { onclick: () => act(anyway, problem, () => save(true)) }, t("answer.enrol_anyway"));
      return fill(problem, errorLine(error), anyway);
    }
    const shown = nameOf(person);
    element.hidden = true;
    const duplicates = person.duplicates.length ? ` ${t("answer.looks_enrolled", { count: person.duplicates.length })}` : "";
    note(t("answer.enrolled", { name: shown }) + duplicates, { person });
    toast(t("answer.enrolled", { name: shown }), {
      undo: async () => {
        await removePerson(gallery, person.id);
        element.hidden = false;
        note(null);
      },
    });
  }
  return element;
}

/** Runs one action of a button; what goes wrong is said beside it. */
async function act(button, problem, action) {
  fill(problem);
  button.disabled = true;
  try {
    await action();
  } catch (error) {
    if (error.name !== "AbortError") fill(problem, errorOf(error));
  } finally {
    button.disabled = false;
  }
}

/** A rejected enrolment says which figure was too low. */
export function errorOf(error) {
  const [rejected] = error.extra?.rejected ?? [];
  return rejected ? h("p", { class: "error-line", role: "alert" }, rejectionInWords(rejected)) : errorLine(error);
}

/** A face that is not the only one is sent with its box, so that the server knows which one is meant. */
const choice = ({ answer, number }) => ({ box: answer.faces.length > 1 || answer.faces_found > 1 ? answer.faces[number].box : null });
