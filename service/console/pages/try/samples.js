// Sample portraits of the server. There is one photograph of each person: the second is a variant, made here.

import { address, get, path } from "../../api.js";
import { h } from "../../dom.js";
import { t } from "../../texts.js";

/**
 * @param {{signal: AbortSignal, onEnrol: (files: Blob[]) => void, onFind: (files: Blob[]) => void}} options
 * @returns {Promise<{forEnrolment: (enrolled: string[]) => HTMLElement | null,
 *   forSearch: (enrolled: string[]) => HTMLElement | null, idOf: (name: string | null) => string | undefined}>} `enrolled`: ids of samples
 */
export async function createSamples({ signal, onEnrol, onFind }) {
  const { samples } = await get("v1/samples", { signal }).catch((error) => {
    if (error.name === "AbortError") throw error;
    return { samples: [] }; // the page works without them
  });
  const urlOf = (sample, query) => address(path`v1/samples/${sample.id}`, query);

  async function original(sample) {
    const response = await fetch(urlOf(sample), { signal });
    return Object.assign(await response.blob(), { title: sample.title, sampleId: sample.id });
  }
  const choice = (words, picture, onChoice) =>
    h("li", {}, h("button", { class: "sample", onclick: onChoice }, picture, h("span", {}, words)));
  const row = (title, items) => h("div", { class: "samples" }, h("p", {}, title), h("ul", { class: "plain" }, items));
  const credit = (sample) => t("try.credit", { title: sample.title, credit: sample.credit, licence: sample.licence });
  const thumbnail = (sample, variant) =>
    h("img", { class: variant ? "thumb variant" : "thumb", src: urlOf(sample, { size: 192 }), alt: "", title: credit(sample), width: 96, height: 96 });

  return {
    idOf: (name) => samples.find(({ title }) => title === name)?.id,
    forEnrolment(enrolled) {
      const left = samples.filter((sample) => !enrolled.includes(sample.id));
      if (!left.length) return null;
      const items = left.map((sample) => choice(sample.title, thumbnail(sample), async () => onEnrol([await original(sample)])));
      return row(t("try.samples"), items);
    },
    forSearch(enrolled) {
      if (!samples.length) return null;
      const items = samples.map((sample) =>
        enrolled.includes(sample.id)
          ? choice(t("try.variant", { title: sample.title }), thumbnail(sample, true), async () => onFind([await variantOf(await original(sample))]))
          : choice(t("try.stranger", { title: sample.title }), thumbnail(sample), async () => onFind([await original(sample)])),
      );
      return row(t("try.samples_second"), items);
    },
  };
}

/** Mirrored, cropped at the edges, darker: another picture to the server, though not another photograph. */
async function variantOf(original) {
  const image = await createImageBitmap(original);
  const [left, top] = [0.06 * image.width, 0.04 * image.height];
  const [width, height] = [image.width - 2 * left, image.height - 2 * top];
  const canvas = h("canvas", { width: Math.round(0.8 * width), height: Math.round(0.8 * height) });
  const context = canvas.getContext("2d");
  context.filter = "brightness(0.7)";
  context.translate(canvas.width, 0);
  context.scale(-1, 1);
  context.drawImage(image, left, top, width, height, 0, 0, canvas.width, canvas.height);
  image.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  return Object.assign(blob, { variantOf: original.title });
}
