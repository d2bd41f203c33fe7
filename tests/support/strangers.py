"""People without photographs: embeddings as real faces have them, one person each."""

import numpy as np

from benchmarks import face_vectors
from indexer.embedding.card import ModelCard
from indexer.embedding.catalog import sface
from indexer.records import changes, galleries, models
from indexer.records.database.session import Database
from indexer.records.enrolled import faces, identities
from indexer.types import Box, ChangeKind, Enrolment, Face, Quality, Vectors

CARD = sface(mirror=True)
FACE = Face(box=Box(x=1, y=2, width=3, height=4), landmarks=np.zeros((5, 2), np.float32), confidence=0.9)
QUALITY = Quality(score=90, size=90, sharpness=90, exposure=90, pose=90, face_px=100.0, sharpness_ratio=0.1)


def enrol(database: Database, name: str, count: int, *, seed: int = 0, also: ModelCard | None = None) -> None:
    """`also`: a second model, to which strangers are all more alike."""
    with database.transaction() as session:
        gallery = galleries.lock(session, galleries.get(session, name).id)
        numbers = {
            card.fingerprint: models.register(session, card.fingerprint, card.dimension)
            for card in (CARD, *([also] if also else []))
        }
        gallery.model_id = numbers[CARD.fingerprint]
        keys = []
        for place, vector in enumerate(face_vectors.gallery(count, seed)):
            identity = identities.create(session, gallery.id, external_id=None, name=None, metadata={})
            enrolment = Enrolment(
                face=FACE,
                quality=QUALITY,
                vectors={CARD.fingerprint: vector} | ({also.fingerprint: alike(vector)} if also else {}),
                image_sha256=place.to_bytes(32, "big"),
                crop=None,
            )
            added = faces.add(session, identity.id, [enrolment], numbers)
            keys += [one.key for one in added]
        changes.append(session, gallery.id, ChangeKind.ENROL, keys)


def alike(vector: Vectors) -> Vectors:
    """The embedding by the second model; both of shape (dimension,)."""
    moved = vector + np.eye(len(vector), dtype=np.float32)[0]
    unit: Vectors = moved / np.linalg.norm(moved)
    return unit
