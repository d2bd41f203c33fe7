"""Writes the faces of an export into a gallery, in portions. The caller holds the gallery's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from indexer.errors import Busy
from indexer.records import changes
from indexer.records.enrolled import person_templates
from indexer.records.enrolled.face_rows import KEY_BEFORE_NEW, columns
from indexer.records.tables import Face, Identity
from indexer.records.transfer.identities import replacement
from indexer.types import ChangeKind

_ATTEMPTS = 5
_INSERT = text(f"""
WITH drawn AS (
    UPDATE gallery
    SET last_face_key = {KEY_BEFORE_NEW} + :count
    WHERE id = CAST(:gallery_id AS uuid)
    RETURNING last_face_key - :count AS before
), given AS (
    SELECT drawn.before + place AS key, faces.*
    FROM drawn CROSS JOIN unnest(
        CAST(:ids AS uuid[]), CAST(:identity_ids AS uuid[]), CAST(:boxes AS text[]),
        CAST(:landmarks AS text[]), CAST(:confidences AS real[]), CAST(:qualities AS real[]),
        CAST(:components AS jsonb[]), CAST(:digests AS bytea[]), CAST(:crops AS bytea[]),
        CAST(:crop_landmarks AS text[]), CAST(:times AS timestamptz[]), CAST(:vectors AS bytea[]),
        CAST(:problems AS text[])
    ) WITH ORDINALITY AS faces (
        id, identity_id, box, landmarks, confidence, quality, components, image_sha256, crop, crop_landmarks,
        created_at, vector, problem, place
    )
), added AS (
    INSERT INTO face (
        key, id, identity_id, box, landmarks, confidence, quality, quality_components, image_sha256, crop,
        crop_landmarks, audit_id, created_at
    )
    SELECT
        key, id, identity_id, CAST(box AS real[]), CAST(landmarks AS real[]), confidence, quality, components,
        image_sha256, crop, CAST(crop_landmarks AS real[]), CAST(:audit_id AS uuid), created_at
    FROM given
    ON CONFLICT DO NOTHING
    RETURNING key
), embedded AS (
    INSERT INTO embedding (face_key, model_id, vector, problem)
    SELECT given.key, CAST(:model_id AS integer), given.vector, given.problem
    FROM given JOIN added ON added.key = given.key
)
SELECT key FROM added ORDER BY key
""")  # noqa: S608
"""Keys are drawn as in `enrolled.face_rows`. Foreign keys are checked at the end of the statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFace:
    id: UUID
    """In the export."""
    identity_id: UUID
    """In the gallery."""
    box: Sequence[float]
    landmarks: Sequence[float]
    confidence: float
    quality: float
    quality_components: dict[str, float]
    image_sha256: bytes
    created_at: datetime
    crop: bytes | None
    crop_landmarks: Sequence[float] | None
    vector: bytes | None
    """As it is stored. None: the model could not embed the face, because of `problem`."""
    problem: str | None


def known(session: Session, gallery_id: UUID, exported: Sequence[UUID]) -> set[UUID]:
    """Those faces of an export that the gallery has, by their ids in the export, whoever's they are now."""
    names = {one: one for one in exported} | {replacement(gallery_id, one): one for one in exported}
    rows = session.scalars(
        select(Face.id)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Face.id.in_(names), Identity.gallery_id == gallery_id)
    )
    return {names[one] for one in rows}


def add(session: Session, gallery_id: UUID, model_id: int, faces: Sequence[NewFace], audit_id: UUID) -> int:
    """Adds the faces, in their order, with their people's templates and the changes. Returns how many were
    added: the others are in the gallery, or their person has a face of the same photograph. Raises Busy.
    """
    for _ in range(_ATTEMPTS):
        new = _new(session, gallery_id, faces)
        if not new:
            return 0
        nested = session.begin_nested()
        keys = [row[0] for row in session.execute(_INSERT, _arguments(gallery_id, model_id, new, audit_id))]
        if len(keys) == len(new):
            nested.commit()
            break
        nested.rollback()  # another gallery drew one of the keys, or took an id
    else:
        raise Busy("found no free keys for the faces; try again")
    people = {face.identity_id for _, face in new}
    templates = person_templates.replace(session, gallery_id, people)
    changes.append(session, gallery_id, ChangeKind.ENROL, keys, templates)
    return len(keys)


def _new(session: Session, gallery_id: UUID, faces: Sequence[NewFace]) -> list[tuple[UUID, NewFace]]:
    """Those that are to be added, with their ids."""
    there = known(session, gallery_id, [face.id for face in faces])
    pictures = {
        (identity_id, bytes(digest))
        for identity_id, digest in session.execute(
            select(Face.identity_id, Face.image_sha256).where(
                tuple_(Face.identity_id, Face.image_sha256).in_(
                    [(face.identity_id, face.image_sha256) for face in faces]
                )
            )
        )
    }
    taken = set(session.scalars(select(Face.id).where(Face.id.in_([face.id for face in faces]))))
    new = []
    for face in faces:
        picture = (face.identity_id, face.image_sha256)
        if face.id in there or picture in pictures:
            continue
        pictures.add(picture)
        new.append((replacement(gallery_id, face.id) if face.id in taken else face.id, face))
    return new


def _arguments(
    gallery_id: UUID, model_id: int, new: Sequence[tuple[UUID, NewFace]], audit_id: UUID
) -> dict[str, Any]:
    faces = [face for _, face in new]
    return {
        "gallery_id": str(gallery_id),
        "model_id": model_id,
        "audit_id": str(audit_id),
        "count": len(new),
        "ids": [str(face_id) for face_id, _ in new],
        "identity_ids": [str(face.identity_id) for face in faces],
        **columns(faces),
        "times": [face.created_at for face in faces],
        "vectors": [face.vector for face in faces],
        "problems": [face.problem for face in faces],
    }
