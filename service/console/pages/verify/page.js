// Do two pictures show the same person? Or: does a picture show this person of the gallery?

import { createAttributeChoice } from "../../components/attributes/choice.js";
import { errorOf } from "../../components/recognition/actions.js";
import { verifyPair, verifyPerson } from "../../components/recognition/ask.js";
import { takeDropped } from "../../components/photo/drop.js";
import { fill, h } from "../../dom.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createPersonChoice } from "./person-choice.js";
import { createSlot } from "./slot.js";
import { showVerdict } from "./verdict.js";

export async function show({ params, query, signal, setQuery }) {
  const { gallery } = params;
  const verdict = h("div", { class: "verdict-place" });
  const also = createAttributeChoice({ gallery, query, setQuery, signal, onChange: () => compare() });
  let person = null;
  let asked = null;

  const first = createSlot({ title: t("verify.first"), drop: t("verify.first_drop"), onPhoto: compare, signal });
  const second = createSlot({ title: t("verify.second"), drop: t("verify.second_drop"), onPhoto: compare, signal });
  const choice = createPersonChoice({
    gallery,
    signal,
    onChoice: (chosen) => {
      person = chosen;
      setQuery({ person: chosen?.id ?? null });
      compare();
    },
  });
  const right = h("div");
  const against = (what) => {
    fill(right, what === "person" ? choice.element : second.element);
    if (what === "person") choice.open();
    setQuery({ with: what === "person" ? "person" : null, person: what === "person" ? (person?.id ?? null) : null });
    compare();
  };
  takeDropped({
    onFiles: (files, place) => {
      const slots = right.contains(second.element) ? [first, second] : [first];
      const target = slots.find((slot) => slot.element.contains(place)) ?? slots.find((slot) => !slot.photo()) ?? slots.at(-1);
      target.take(files[0]);
      const other = slots.find((slot) => slot !== target && !slot.photo());
      if (files[1] && other) other.take(files[1]);
    },
    onFolder: () => fill(verdict, h("p", { class: "error-line", role: "alert" }, t("photo.folder"))),
    signal,
  });

  async function compare() {
    asked?.abort();
    const [a, b] = [first.photo(), second.photo()];
    const withPerson = right.contains(choice.element);
    fill(verdict);
    if (!a || !(withPerson ? person : b)) return;
    const own = (asked = new AbortController());
    signal.addEventListener("abort", () => own.abort(), { once: true, signal: own.signal });
    fill(verdict, h("p", { role: "status" }, t("verify.comparing")));
    await also.ready; // the address may name what the gallery does not permit
    if (own.signal.aborted) return;
    const options = { attributes: also.chosen(), signal: own.signal };
    try {
      const answer = withPerson
        ? await verifyPerson(gallery, person.id, a.blob, options)
        : await verifyPair(a.blob, b.blob, options);
      const faces = answer.faces;
      first.mark(faces[0]);
      if (!withPerson) second.mark(faces[1]);
      fill(verdict, await showVerdict({ gallery, answer, person: withPerson ? person : null, photos: withPerson ? [a] : [a, b], signal: own.signal }));
    } catch (error) {
      if (error.name !== "AbortError") fill(verdict, errorOf(error));
    }
  }

  const started = query.get("with") === "person" || query.has("person");
  if (query.has("person")) await choice.choose(query.get("person"));
  fill(right, started ? choice.element : second.element);
  if (started) choice.open();
  return h(
    "div",
    { class: "stack" },
    h("div", { class: "page-head" }, h("h1", {}, t("verify.title"))),
    can("read") && againstChoice(started, against),
    also.element,
    h("div", { class: "verify-slots" }, first.element, right),
    verdict,
  );
}

function againstChoice(person, against) {
  const option = (value, checked, text) =>
    h("label", { class: "choice" }, h("input", { type: "radio", name: "against", value, checked, onchange: () => against(value) }), text);
  return h(
    "fieldset",
    {},
    h("legend", {}, t("verify.against")),
    h("div", { class: "actions" }, option("picture", !person, t("verify.against_picture")), option("person", person, t("verify.against_person"))),
  );
}
