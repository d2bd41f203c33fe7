// The requests of the pages that recognise people: identify, detect, verify, enrol, dispute.

import { get, path, post, remove } from "../../api.js";

/** Faces of a photograph that are searched for, the largest first. */
const MOST_FACES = 50;
let mostFaces = MOST_FACES;

/** A form of fields; a list is a field with several values. */
function form(fields) {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined) data.append(name, one);
  }
  return data;
}

/**
 * @param {string} gallery
 * @param {Blob} image
 * @param {{candidates?: number, minChange?: number, box?: object, among?: object | null,
 *   metadata?: boolean, attributes?: string[], signal?: AbortSignal}} [options]
 *   `minChange`: number of an enrolment that the search must include; `box`: of the only face that is searched for;
 *   `among`: a filter of people; `metadata`: candidates have that of their people;
 *   `attributes`: those that are estimated of the faces
 */
export function identify(gallery, image, options) {
  return searchFor(path`v1/galleries/${gallery}/identify`, image, {}, options);
}

/**
 * The same in several galleries. Candidates say which gallery is theirs; its threshold is in `galleries`.
 * @param {string[]} galleries
 */
export async function identifyInSeveral(galleries, image, options) {
  const answer = await searchFor("v1/identify", image, { galleries }, options);
  const sum = (field) => answer.galleries.reduce((total, one) => total + one[field], 0);
  const faces = answer.faces.map((face) => ({ ...face, unmatched_reason: null }));
  return { ...answer, faces, audit_id: null, gallery_size: sum("gallery_size"), faces_searched: sum("faces_searched") };
}

async function searchFor(address, image, more, { candidates = 5, minChange = 0, box = null, among = null, metadata = false, attributes = [], signal } = {}) {
  const fields = {
    ...more,
    max_candidates: candidates,
    min_change_number: minChange || null,
    box: sides(box),
    filter: among && JSON.stringify(among),
    include: metadata ? "metadata" : null,
    attributes,
  };
  const ask = () =>
    post(address, {
      form: form({ image, max_faces: mostFaces, ...fields }),
      signal,
    });
  try {
    return await ask();
  } catch (error) {
    const { field, limit } = error.extra ?? {};
    if (field !== "max_faces" || !(limit < mostFaces)) throw error;
    mostFaces = limit; // this server allows fewer
    return ask();
  }
}

export const detect = (image, { signal } = {}) => post("v1/detect", { form: form({ image }), signal });

/** Of several faces, the largest is compared; the answer says how many there were, and the page shows which. */
const LARGEST = { several_faces: "largest" };

export const verifyPair = (imageA, imageB, { attributes = [], explain = false, signal } = {}) =>
  post("v1/verify", { form: form({ image_a: imageA, image_b: imageB, attributes, explain: explain || null, ...LARGEST }), signal });

export const verifyPerson = (gallery, identityId, image, { attributes = [], signal } = {}) =>
  post(path`v1/galleries/${gallery}/identities/${identityId}/verify`, { form: form({ image, attributes, ...LARGEST }), signal });

/**
 * Enrols somebody new from one picture.
 * @param {{name: string | null, box?: object | null, allowDuplicate?: boolean, signal?: AbortSignal}} options
 *   `box`: of the face, where there are several
 */
export const enrol = (gallery, image, { name, box = null, allowDuplicate = false, signal }) =>
  post(path`v1/galleries/${gallery}/identities`, {
    form: form({ images: image, name: name || null, ...choice(box, allowDuplicate) }),
    signal,
  });

export const addFace = (gallery, identityId, image, { box = null, allowDuplicate = false, signal } = {}) =>
  post(path`v1/galleries/${gallery}/identities/${identityId}/faces`, {
    form: form({ images: image, ...choice(box, allowDuplicate) }),
    signal,
  });

const sides = (box) => box && [box.x, box.y, box.width, box.height].join(",");

const choice = (box, allowDuplicate) => ({
  boxes: sides(box),
  allow_duplicate: allowDuplicate ? "true" : null,
});

export const removePerson = (gallery, identityId) => remove(path`v1/galleries/${gallery}/identities/${identityId}`);

export const removeFace = (gallery, identityId, faceId) =>
  remove(path`v1/galleries/${gallery}/identities/${identityId}/faces/${faceId}`);

/** @returns {Promise<{id: string}>} the dispute, by whose id it is withdrawn */
export const dispute = (auditId, face, identityId) =>
  post(path`v1/audit/${auditId}/disputes`, { json: { face, identity_id: identityId } });

export const withdraw = (auditId, disputeId) => remove(path`v1/audit/${auditId}/disputes/${disputeId}`);

export const findPeople = (gallery, name, { signal } = {}) =>
  get(path`v1/galleries/${gallery}/identities`, { query: { name, limit: 8 }, signal });

export const getPerson = (gallery, id, { signal } = {}) => get(path`v1/galleries/${gallery}/identities/${id}`, { signal });
