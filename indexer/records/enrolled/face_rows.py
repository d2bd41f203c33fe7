"""One statement that draws keys and inserts faces with their embeddings.

It is written as SQL, for its speed: the gallery is locked meanwhile, and SQLAlchemy's unit of work would take
several statements, and ten times as long to compose them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.logs import one_line, request_id
from indexer.records.tables import Face
from indexer.records.text import MAX_TEXT
from indexer.types import Enrolment

STORED_DTYPE = np.dtype("<f4")

KEY_BEFORE_NEW = """greatest(
        last_face_key, ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1735689600000) * 4096
    ) + floor(random() * 4096)::bigint"""
"""SQL, of a row of `gallery`: the number from which new face keys count. The upper 41 bits of a key are
milliseconds since 2025, until 2094, and the lower 12 are random. So a key has 53 bits, as many as a number in
JSON keeps exactly."""

_INSERT = text(f"""
WITH drawn AS (
    UPDATE gallery
    SET last_face_key = {KEY_BEFORE_NEW} + :count
    WHERE id = (SELECT gallery_id FROM identity WHERE id = CAST(:first_identity_id AS uuid))
    RETURNING last_face_key - :count AS before
), added AS (
    INSERT INTO face (
        key, id, identity_id, box, landmarks, confidence, quality, quality_components, image_sha256, crop,
        crop_landmarks, audit_id, request_id
    )
    SELECT
        drawn.before + place, id, identity_id, CAST(box AS real[]), CAST(landmarks AS real[]),
        confidence, quality, components, image_sha256, crop, CAST(crop_landmarks AS real[]),
        audit_id, :request_id
    FROM drawn CROSS JOIN unnest(
        CAST(:ids AS uuid[]), CAST(:identity_ids AS uuid[]), CAST(:audit_ids AS uuid[]),
        CAST(:boxes AS text[]), CAST(:landmarks AS text[]),
        CAST(:confidences AS real[]), CAST(:qualities AS real[]), CAST(:components AS jsonb[]),
        CAST(:digests AS bytea[]), CAST(:crops AS bytea[]), CAST(:crop_landmarks AS text[])
    ) WITH ORDINALITY AS given (
        id, identity_id, audit_id, box, landmarks, confidence, quality, components, image_sha256, crop,
        crop_landmarks, place
    )
    ON CONFLICT (key) DO NOTHING
    RETURNING key, created_at
), embedded AS (
    INSERT INTO embedding (face_key, model_id, vector)
    SELECT added.key, computed.model_id, computed.vector
    FROM drawn
    CROSS JOIN unnest(
        CAST(:places AS integer[]), CAST(:model_ids AS integer[]), CAST(:vectors AS bytea[])
    ) AS computed (place, model_id, vector)
    JOIN added ON added.key = drawn.before + computed.place
)
SELECT key, created_at FROM added ORDER BY key
""")  # noqa: S608
"""Foreign keys are checked at the end of the statement."""


def insert(
    session: Session, faces: Sequence[Face], enrolments: Sequence[Enrolment], models: Mapping[str, int]
) -> list[tuple[int, datetime]]:
    """Inserts faces of one gallery, with embeddings: keys, ascending, and the times of insertion. One request
    has enrolled them all.

    Fewer than `faces`: another gallery drew one of the keys in the same millisecond. `models`: numbers of
    the models, by fingerprint.

    Keys ascend within a gallery, as the index requires. They come from the server's clock and a random
    number, not from a counter: a restored database would reuse a counter's numbers, and a key that a process
    still holds would name another face.
    """
    computed = [
        (place, number, enrolment.vectors[fingerprint].astype(STORED_DTYPE).tobytes())
        for place, enrolment in enumerate(enrolments, start=1)
        for fingerprint, number in models.items()
        if fingerprint in enrolment.vectors
    ]
    arguments = {
        "first_identity_id": str(faces[0].identity_id),
        "count": len(faces),
        "identity_ids": [str(face.identity_id) for face in faces],
        "audit_ids": [face.audit_id and str(face.audit_id) for face in faces],
        "request_id": faces[0].request_id,
        "ids": [str(face.id) for face in faces],
        **columns(faces),
        "places": [place for place, _, _ in computed],
        "model_ids": [number for _, number, _ in computed],
        "vectors": [vector for _, _, vector in computed],
    }
    return [(key, created_at) for key, created_at in session.execute(_INSERT, arguments)]


def columns(faces: Sequence[Any]) -> dict[str, list[Any]]:
    """An array of each column, for `unnest`. `faces`: `Face`, or with the same fields. An array of arrays
    would lose its rows there, so those are texts."""
    return {
        "boxes": [_array(face.box) for face in faces],
        "landmarks": [_array(face.landmarks) for face in faces],
        "confidences": [face.confidence for face in faces],
        "qualities": [face.quality for face in faces],
        "components": [json.dumps(face.quality_components) for face in faces],
        "digests": [face.image_sha256 for face in faces],
        "crops": [face.crop for face in faces],
        "crop_landmarks": [
            None if face.crop_landmarks is None else _array(face.crop_landmarks) for face in faces
        ],
    }


def face_of(identity_id: UUID, e: Enrolment, audit_id: UUID | None) -> Face:
    """The face without its key, which `insert` draws. Enrolled by the current request."""
    request = request_id.get()
    return Face(
        key=0,
        identity_id=identity_id,
        box=[e.face.box.x, e.face.box.y, e.face.box.width, e.face.box.height],
        landmarks=e.face.landmarks.ravel().tolist(),
        confidence=e.face.confidence,
        quality=e.quality.score,
        quality_components=e.quality.stored(),
        image_sha256=e.image_sha256,
        crop=None if e.crop is None else e.crop.jpeg,
        crop_landmarks=None if e.crop is None else e.crop.landmarks.ravel().tolist(),
        audit_id=audit_id,
        request_id=None if request is None else one_line(request)[:MAX_TEXT],
    )


def _array(values: Iterable[float]) -> str:
    """As PostgreSQL reads it."""
    return "{" + ",".join(map(str, values)) + "}"
