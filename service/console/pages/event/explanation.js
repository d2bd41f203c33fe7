// Why a search answered as it did: in words, in figures, with the crops that are kept.

import { address, get, path, post, remove } from "../../api.js";
import { whileDisabled } from "../../busy.js";
import { scoreScale } from "../../components/match/score-scale.js";
import { errorLine } from "../../components/states/states.js";
import { toast } from "../../components/toast/toast.js";
import { fill, h } from "../../dom.js";
import { number, oneIn, score } from "../../format.js";
import { link } from "../../router.js";
import { can } from "../../session.js";
import { t } from "../../texts.js";

/**
 * @param {string} id of the event
 * @param {{signal: AbortSignal}} options
 * @returns {Promise<HTMLElement>}
 */
export async function explanation(id, { signal }) {
  const place = h("div", { class: "stack" });

  async function draw() {
    const explained = await get(path`v1/audit/${id}/explain`, { signal });
    const faces = leftToRight(explained.faces);
    fill(
      place,
      h("section", { class: "card" }, h("h2", {}, t("event.why")), explained.sentences.map((text) => h("p", {}, text)), figures(explained)),
      faces.map((face, place) => faceCard(face, place, explained, draw)),
      repeatable(explained) && replay(id, faces, signal),
    );
  }

  await draw();
  return place;
}

function figures(explained) {
  const rows = [
    [t("event.threshold"), score(explained.threshold)],
    [t("event.policy"), t("event.at_most", { rate: oneIn(explained.target_rate) })],
    explained.estimated_rate > 0 && [
      t("event.estimate"),
      t(explained.rate_trusted ? "event.about" : "event.about_untrusted", { rate: oneIn(explained.estimated_rate) }),
    ],
    explained.pair_score === null && [t("event.size"), number(explained.gallery_size)],
    explained.pair_score !== null && [t("event.score"), score(explained.pair_score)],
    [t("event.model"), h("code", {}, explained.model)],
  ];
  return h("dl", { class: "figures" }, rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** As one counts them in the picture, and as the answer did; `number` is that in the API's. */
const leftToRight = (faces) =>
  faces.map((face, number) => ({ ...face, number })).sort((a, b) => (a.box?.[0] ?? 0) - (b.box?.[0] ?? 0));

function faceCard(face, place, explained, draw) {
  const several = explained.faces.length > 1;
  return h(
    "section",
    { class: "card stack" },
    h(
      "h2",
      {},
      several ? t("event.face", { number: place + 1 }) : t("event.one_face"),
      " ",
      explained.pair_score === null && h("span", { class: `badge ${face.matched ? "match" : ""}` }, t(face.matched ? "event.matched" : "event.unmatched")),
    ),
    (face.crop !== null || face.candidates.length > 0) && h(
      "div",
      { class: "event-crops" },
      crop(face.crop, t("event.probe"), face.crop_sha256 ? t("event.crop_deleted") : t("event.crop_not_kept")),
      face.candidates.map((candidate, rank) => candidateCard(candidate, rank, { face: face.number, explained, draw })),
    ),
    face.sentences.map((text) => h("p", {}, text)),
    face.warnings.map((text) => h("p", { class: "notice" }, text)),
  );
}

function candidateCard(candidate, rank, { face, explained, draw }) {
  const above = candidate.above_threshold >= 0;
  const name = candidate.name ?? t(candidate.person_exists ? "common.unnamed" : "event.deleted");
  const person = link(path`/galleries/${explained.gallery ?? ""}/people/${candidate.identity_id}`);
  return crop(
    candidate.crop,
    candidate.person_exists && can("read") ? h("a", { href: person }, name) : name,
    t(candidate.face_exists ? "event.no_crop" : "event.face_deleted"),
    h("span", { class: "figure-line" }, t(rank === 0 ? "event.nearest" : "event.second"), " ", h("strong", {}, score(candidate.score))),
    h("span", { class: `badge ${above ? "match" : "unsure"}` }, t(above ? "event.above" : "event.below", { by: score(Math.abs(candidate.above_threshold)) })),
    scoreScale({ score: candidate.score, threshold: explained.threshold }),
    candidate.disputes.length > 0 && h("span", { class: "badge danger" }, t("event.disputed", { name: candidate.disputes[0].disputed_by })),
    can("identify") && explained.gallery && candidate.face_exists && dispute(candidate, { face, id: explained.audit_id, name, draw }),
  );
}

function crop(address_, caption, without, ...figures) {
  const picture = address_ ? h("img", { src: address(address_.replace(/^\//, "")), alt: "", loading: "lazy" }) : h("span", { class: "muted" }, without);
  return h("figure", { class: "event-crop" }, h("div", { class: "crop-place" }, picture), h("figcaption", {}, h("span", {}, caption), figures));
}

/** "Not this person", or its withdrawal. It changes no threshold, so it happens at once, and can be undone. */
function dispute(candidate, { face, id, name, draw }) {
  const problem = h("div");
  const [own] = candidate.disputes;

  async function say() {
    const { id: disputeId } = await post(path`v1/audit/${id}/disputes`, { json: { face, identity_id: candidate.identity_id } });
    await draw();
    toast(t("event.said", { name }), { undo: () => withdraw(disputeId) });
  }

  async function withdraw(disputeId) {
    await remove(path`v1/audit/${id}/disputes/${disputeId}`);
    await draw();
  }

  const button = h(
    "button",
    { onclick: () => whileDisabled(button, () => (own ? withdraw(own.id) : say()).catch((error) => fill(problem, errorLine(error)))) },
    t(own ? "event.withdraw" : "event.not_this_person"),
  );
  return [button, problem];
}

const repeatable = ({ gallery, faces }) => gallery !== null && faces.length > 0 && faces.every((face) => face.crop);

function replay(id, faces, signal) {
  const place = h("div", { "aria-live": "polite" });
  const button = h("button", { onclick: repeat }, t("event.replay"));

  async function repeat() {
    button.disabled = true;
    try {
      const answer = await post(path`v1/audit/${id}/replay`, { signal });
      const sentences = [...answer.sentences, ...faces.flatMap(({ number }, place) => ofFace(answer, number, place))];
      fill(place, h("p", {}, h("span", { class: `badge ${answer.same ? "match" : "unsure"}` }, t(answer.same ? "event.same" : "event.differs"))), sentences.map((text) => h("p", {}, text)));
    } catch (error) {
      fill(place, errorLine(error));
    } finally {
      button.disabled = false;
    }
  }

  /** With the number that the page gives the face. */
  const ofFace = (answer, number, place) => {
    const { sentences } = answer.faces.find(({ face }) => face === number) ?? { sentences: [] };
    if (faces.length === 1) return sentences;
    return sentences.map((text, i) => (i === 0 ? `${t("event.face", { number: place + 1 })}: ${text}` : text));
  };

  return h("section", { class: "card stack" }, h("h2", {}, t("event.replay_title")), h("p", { class: "muted" }, t("event.replay_text")), h("div", { class: "actions" }, button), place);
}
