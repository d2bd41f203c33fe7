"""Gives faces to another identity. A moved face gets a new key: for an index it is a deletion and an
enrolment. Its id, crop, embeddings and time of enrolment stay."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import TextClause, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.errors import Busy, FaceNotFound
from indexer.records.enrolled import faces
from indexer.records.enrolled.face_rows import KEY_BEFORE_NEW
from indexer.records.tables import Face

_ATTEMPTS = 5

_MOVE = text(f"""
WITH given AS (
    SELECT key, to_id, place FROM unnest(CAST(:keys AS bigint[]), CAST(:to_ids AS uuid[]))
        WITH ORDINALITY AS given (key, to_id, place)
), drawn AS (
    UPDATE gallery
    SET last_face_key = {KEY_BEFORE_NEW} + :count
    WHERE id = CAST(:gallery_id AS uuid)
    RETURNING last_face_key - :count AS before
), moved AS (
    UPDATE face SET key = drawn.before + given.place, identity_id = given.to_id
    FROM drawn CROSS JOIN given
    WHERE face.key = given.key
    RETURNING face.key
), embedded AS (
    UPDATE embedding SET face_key = drawn.before + given.place
    FROM drawn CROSS JOIN given
    WHERE embedding.face_key = given.key
)
SELECT key FROM moved ORDER BY key
""")  # noqa: S608
"""Keys are drawn as in `face_rows`. Foreign keys are checked at the end of the statement."""

_COPY = text(f"""
WITH given AS (
    SELECT given.id, given.created_at, face.key AS original, given.place
    FROM unnest(CAST(:ids AS uuid[]), CAST(:digests AS bytea[]), CAST(:times AS timestamptz[]))
        WITH ORDINALITY AS given (id, digest, created_at, place)
    JOIN face ON face.identity_id = CAST(:from_id AS uuid) AND face.image_sha256 = given.digest
), drawn AS (
    UPDATE gallery
    SET last_face_key = {KEY_BEFORE_NEW} + :count
    WHERE id = CAST(:gallery_id AS uuid)
    RETURNING last_face_key - :count AS before
), added AS (
    INSERT INTO face (
        key, id, identity_id, box, landmarks, confidence, quality, quality_components, image_sha256, crop,
        crop_landmarks, created_at
    )
    SELECT
        drawn.before + given.place, given.id, CAST(:to_id AS uuid), box, landmarks, confidence, quality,
        quality_components, image_sha256, crop, crop_landmarks, given.created_at
    FROM drawn CROSS JOIN given JOIN face ON face.key = given.original
    RETURNING key
), embedded AS (
    INSERT INTO embedding (face_key, model_id, vector, problem)
    SELECT drawn.before + given.place, model_id, vector, problem
    FROM drawn CROSS JOIN given JOIN embedding ON embedding.face_key = given.original
)
SELECT key FROM added ORDER BY key
""")  # noqa: S608

_KEPT_INSTEAD = tuple(
    text(statement)
    for statement in (
        """
UPDATE dispute SET face_id = kept.id
FROM face AS dropped JOIN face AS kept ON kept.image_sha256 = dropped.image_sha256
WHERE dispute.face_id = dropped.id
    AND dropped.key = ANY(CAST(:keys AS bigint[])) AND kept.identity_id = CAST(:to_id AS uuid)
""",
        """
UPDATE audit_probe SET face_id = kept.id
FROM face AS dropped JOIN face AS kept ON kept.image_sha256 = dropped.image_sha256
WHERE audit_probe.face_id = dropped.id
    AND dropped.key = ANY(CAST(:keys AS bigint[])) AND kept.identity_id = CAST(:to_id AS uuid)
""",
    )
)
"""Disputes and kept probes of a dropped face refer to the face of the same photograph that stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedFace:
    """A face of a photograph of which the other identity has a face already: it has the same embedding."""

    id: UUID
    image_sha256: str
    """In hex."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFaces:
    ids: Sequence[UUID]
    dropped: Sequence[DroppedFace]
    deleted: Sequence[int]
    """Old keys, for the change log; also those of dropped faces."""
    enrolled: Sequence[int]
    """New keys, ascending."""
    digests: Sequence[bytes]
    """SHA-256 of the photographs of `ids`."""


def check(session: Session, identity_id: UUID, face_ids: Collection[UUID]) -> None:
    """Raises FaceNotFound if one of the faces is not the identity's."""
    rows = session.scalars(select(Face.id).where(Face.identity_id == identity_id, Face.id.in_(face_ids)))
    missing = set(face_ids) - set(rows)
    if missing:
        first = min(missing)
        raise FaceNotFound(f"this identity has no face {first}", id=str(first))


def move(
    session: Session,
    gallery_id: UUID,
    *,
    from_id: UUID,
    to_id: UUID,
    face_ids: Collection[UUID] | None = None,
    drop: bool = True,
) -> MovedFaces:
    """Those of `face_ids` that are faces of the identity `from_id`, or all, become faces of `to_id`.

    Of one photograph an identity has one face. Where the other has a face of it already, the moved one is
    deleted, or stays where it is if not `drop`. The caller holds the gallery's lock, replaces the templates
    of both and appends the changes. Raises Busy.
    """
    query = select(Face.key, Face.id, Face.image_sha256, Face.created_at).where(Face.identity_id == from_id)
    if face_ids is not None:
        query = query.where(Face.id.in_(face_ids))
    # Locked by a statement before: a re-index that is recording an embedding of the old key has then ended.
    rows = session.execute(query.order_by(Face.key).with_for_update()).all()
    known = faces.enrolled_images(session, to_id, [row.image_sha256 for row in rows])
    moved = [row for row in rows if row.image_sha256 not in known]
    dropped = [row for row in rows if row.image_sha256 in known] if drop else []
    if dropped:
        keys = [row.key for row in dropped]
        for statement in _KEPT_INSTEAD:
            session.execute(statement, {"keys": keys, "to_id": str(to_id)})
        faces.remove(session, keys)
    enrolled = reassign(session, gallery_id, [row.key for row in moved], [to_id] * len(moved))
    return MovedFaces(
        ids=[row.id for row in moved],
        dropped=[
            DroppedFace(id=row.id, image_sha256=bytes(row.image_sha256).hex(), created_at=row.created_at)
            for row in dropped
        ],
        deleted=sorted(row.key for row in [*moved, *dropped]),
        enrolled=enrolled,
        digests=[bytes(row.image_sha256) for row in moved],
    )


def reassign(
    session: Session, gallery_id: UUID, keys: Sequence[int], to_ids: Sequence[UUID]
) -> Sequence[int]:
    """The face of each key becomes one of the identity in the same place of `to_ids`, which has none of the
    same photograph. Returns the new keys, ascending. The caller does as for `move`. Raises Busy."""
    arguments = {"gallery_id": str(gallery_id), "keys": keys, "to_ids": [str(to_id) for to_id in to_ids]}
    return _with_new_keys(session, _MOVE, arguments, len(keys))


def copy(
    session: Session, gallery_id: UUID, *, from_id: UUID, to_id: UUID, dropped: Sequence[DroppedFace]
) -> Sequence[int]:
    """Restores dropped faces from those of the same photographs that the identity `from_id` still has.

    Returns their keys, ascending. The caller does as for `move`. Raises Busy.
    """
    arguments = {
        "gallery_id": str(gallery_id),
        "from_id": str(from_id),
        "to_id": str(to_id),
        "ids": [str(face.id) for face in dropped],
        "digests": [bytes.fromhex(face.image_sha256) for face in dropped],
        "times": [face.created_at for face in dropped],
    }
    return _with_new_keys(session, _COPY, arguments, len(dropped))


def _with_new_keys(
    session: Session, statement: TextClause, arguments: Mapping[str, object], count: int
) -> Sequence[int]:
    """Keys are random: a face of another gallery may have one of them already."""
    for _ in range(_ATTEMPTS if count else 0):
        try:
            with session.begin_nested():
                return session.scalars(statement, {**arguments, "count": count}).all()
        except IntegrityError as error:
            if "face_pkey" not in str(error.orig):
                raise
    if count:
        raise Busy("found no free keys for the faces; try again")
    return []
