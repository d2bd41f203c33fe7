// The first visit: one photograph is enrolled, another is found.

import { path } from "../../api.js";
import { errorOf } from "../../components/recognition/actions.js";
import { enrol, identify } from "../../components/recognition/ask.js";
import { showAnswer } from "../../components/recognition/answer.js";
import { takeDropped } from "../../components/photo/drop.js";
import { openPhoto, personIn } from "../../components/photo/photo.js";
import { photoInput } from "../../components/photo/photo-input.js";
import { emptyState } from "../../components/states/states.js";
import { fill, h } from "../../dom.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";
import { createEnrolled } from "./enrolled.js";
import { gallerySaysWhich, tryGallery } from "./gallery.js";
import { createSamples } from "./samples.js";

export async function show({ signal }) {
  if (!can("enrol") || !can("identify")) return nothing("not_allowed");
  const which = await tryGallery(signal);
  if (which.name === null) return nothing("no_gallery");
  const result = h("div", { class: "try-result" });
  const steps = h("ol", { class: "plain try-steps" });
  const enrolled = createEnrolled({ onChange: drawSteps, signal });
  const [first, second] = ["first", "second"].map((step) => photoInput({ title: t(`try.${step}_drop`), onFiles: step === "first" ? enrolOne : findOne, signal }));
  const samples = await createSamples({ signal, onEnrol: enrolOne, onFind: findOne });
  let gallery = which.name;
  let minChange = 0;
  let busy = false;

  takeDropped({
    onFiles: (files, place) => (enrolled.count() === 0 || first.element.contains(place) ? enrolOne(files) : findOne(files)),
    onFolder: () => fill(result, h("p", { class: "error-line", role: "alert" }, t("photo.folder"))),
    signal,
  });

  function drawSteps() {
    const isFirst = enrolled.count() === 0;
    first.element.classList.toggle("small", !isFirst);
    const input = [first.element, samples.forEnrolment(enrolled.sampleIds())];
    fill(
      steps,
      h("li", { class: isFirst ? "card stack current" : "card stack" }, h("h2", {}, t(isFirst ? "try.first" : "try.first_again")), isFirst ? input : [enrolled.element, another(input)]),
      h(
        "li",
        { class: isFirst ? "card stack later" : "card stack current" },
        h("h2", {}, t("try.second")),
        isFirst ? h("p", {}, t("try.second_later")) : [second.element, samples.forSearch(enrolled.sampleIds())],
      ),
    );
  }

  /** One thing after the other: a second drop while the first is worked on is not taken. */
  async function work(message, action) {
    if (busy) return;
    busy = true;
    fill(result, h("p", { role: "status" }, message));
    try {
      await action();
    } catch (error) {
      if (error.name !== "AbortError") fill(result, errorOf(error));
    } finally {
      busy = false;
    }
  }

  /** @param {(Blob & {title?: string, sampleId?: string})[]} files several may be dropped: each is a person */
  function enrolOne(files) {
    return work(t("try.enrolling"), async () => {
      for (const file of files) {
        gallery = await which.create();
        const name = file.title ?? (personIn(file.name ?? "") || t("try.person", { number: enrolled.count() + 1 }));
        const person = await enrol(gallery, file, { name, signal });
        minChange = person.change_number;
        enrolled.add({ gallery, person, sampleId: file.sampleId });
      }
      fill(result, h("p", { class: "try-said", role: "status" }, t("try.enrolled", { name: enrolled.lastName() })));
    });
  }

  function findOne([file]) {
    return work(t("identify.searching"), async () => {
      const photo = await openPhoto(file, { signal });
      const answer = await identify(gallery, file, { minChange, signal });
      fill(result, file.variantOf && h("p", {}, t("try.variant_words", { name: file.variantOf })), showAnswer({ gallery, photo, answer, signal }), next(gallery));
      result.scrollIntoView({ block: "start", behavior: "smooth" });
    });
  }

  for (const person of which.people) enrolled.add({ gallery, person, sampleId: samples.idOf(person.name) });
  drawSteps();
  return h("div", { class: "stack" }, h("div", {}, h("h1", {}, t("try.title")), h("p", {}, t("try.intro")), gallerySaysWhich(which)), steps, result);
}

const another = (input) => h("details", {}, h("summary", {}, t("try.another")), h("div", { class: "stack" }, input));

const nothing = (why) =>
  h("div", {}, h("h1", {}, t("try.title")), emptyState({ title: t(`try.${why}`), text: t(`try.${why}_text`) }));

const next = (gallery) =>
  h(
    "section",
    { class: "card stack" },
    h("h2", {}, t("try.next")),
    h(
      "ul",
      { class: "plain actions" },
      [
        ["identify", path`/galleries/${gallery}/identify`],
        can("verify") && ["verify", path`/galleries/${gallery}/verify`],
        can("read") && ["people", path`/galleries/${gallery}/people`],
      ]
        .filter(Boolean)
        .map(([name, address]) => h("li", {}, h("a", { class: "button", href: link(address) }, t(`try.next_${name}`)))),
    ),
  );
