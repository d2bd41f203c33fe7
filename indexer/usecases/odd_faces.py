"""Faces that do not resemble the other faces of their person: mislabelled photographs, most likely.

A face is compared with the mean of the person's other faces. With a wrong photograph put at random among
the three, five or ten of a person of LFW (SFace, mirrored; ten draws), 98.4 to 98.6 % of the wrong ones were
found, and of the right ones of people without a wrong one 0.1 to 0.2 % were named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from indexer.calibration.threshold.card_curve import for_fmr
from indexer.embedding.card import ModelCard
from indexer.records import reindexes
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import faces
from indexer.records.enrolled.faces import as_vector
from indexer.records.enrolled.owners import find_owners
from indexer.records.tables import Gallery
from indexer.types import Vectors

FMR = 0.01
"""A face whose score with the others is below the one that this share of strangers reaches is odd."""
MAX_FACES = 1_000
"""The faces of people with more are not compared at each enrolment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddFace:
    face_id: UUID
    score: float
    """With the mean of the person's other faces, without those that are odder."""
    limit: float
    faces: int
    """Of the person. With two, nobody knows which of them is the wrong one; the newer is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OddFaceOfPerson:
    identity_id: UUID
    external_id: str | None
    name: str | None
    face: OddFace


def of_identity(session: Session, identity_id: UUID, card: ModelCard) -> list[OddFace]:
    """The oddest first. Empty where the person has more than `MAX_FACES` faces."""
    batches = list(faces.read_vectors(session, identity_id, card.fingerprint, at_once=MAX_FACES))
    if len(batches) != 1:
        return []
    return _of_person(*batches[0], card)


def of_gallery(database: Database, gallery: Gallery, card: ModelCard) -> list[OddFaceOfPerson]:
    """Of everybody, the oddest first. Memory: the gallery's vectors by one model."""
    assert gallery.model_id is not None
    limit = _limit(card)
    keys: dict[UUID, list[int]] = {}
    vectors: dict[UUID, list[Vectors]] = {}
    with database.repeatable_read() as session:
        for batch in reindexes.embeddings(session, gallery.id, [gallery.model_id], 10_000):
            for key, identity_id, (stored,) in batch:
                if stored is not None:
                    keys.setdefault(identity_id, []).append(key)
                    vectors.setdefault(identity_id, []).append(as_vector(stored))
        found = [
            (identity_id, keys[identity_id][place], score, len(keys[identity_id]))
            for identity_id, own in vectors.items()
            for place, score in find(np.stack(own), limit)
        ]
        owners = find_owners(session, gallery.id, [key for _, key, _, _ in found])
        named = []
        for identity_id, key, score, count in sorted(found, key=lambda one: one[2]):
            owner = owners[key]
            odd = OddFace(face_id=owner.face_id, score=score, limit=limit, faces=count)
            named.append(
                OddFaceOfPerson(
                    identity_id=identity_id, external_id=owner.external_id, name=owner.name, face=odd
                )
            )
    return named


def find(vectors: Vectors, limit: float) -> list[tuple[int, float]]:
    """Places and scores of a person's odd faces, the oddest first. `vectors`: (n, dimension), by age.

    One wrong face also lowers the scores of the right ones: so the oddest is left out, then the others are
    compared again.
    """
    exact = vectors.astype(np.float64)
    places = list(range(len(exact)))
    found: list[tuple[int, float]] = []
    while len(places) > 1:
        left = exact[places]
        others = left.sum(axis=0) - left
        lengths = np.maximum(np.linalg.norm(others, axis=1), 1e-12)
        scores = np.einsum("nd,nd->n", others, left) / lengths
        oddest = len(scores) - 1 - int(np.argmin(scores[::-1]))  # of equals the newest
        if len(places) == 2:
            oddest = 1
        if scores[oddest] >= limit:
            break
        found.append((places.pop(oddest), float(scores[oddest])))
    return found


def _of_person(ids: Sequence[UUID], vectors: Vectors, card: ModelCard) -> list[OddFace]:
    limit = _limit(card)
    return [
        OddFace(face_id=ids[place], score=score, limit=limit, faces=len(ids))
        for place, score in find(vectors, limit)
    ]


def _limit(card: ModelCard) -> float:
    return for_fmr(card, FMR)
