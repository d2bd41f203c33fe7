"""Enrolled faces and their embeddings: add, find, list, delete."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, true
from sqlalchemy.orm import Session

from indexer.errors import Busy, CropNotStored, FaceNotFound
from indexer.records.enrolled import face_rows
from indexer.records.enrolled.face_rows import STORED_DTYPE, face_of
from indexer.records.tables import Embedding, Face, Identity, Model
from indexer.types import Enrolment

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFaces:
    """Faces that are added to an identity."""

    identity_id: UUID
    enrolments: Sequence[Enrolment]
    audit_id: UUID | None = None
    """Of the event of the enrolment."""


def add(
    session: Session,
    identity_id: UUID,
    enrolments: Sequence[Enrolment],
    models: Mapping[str, int],
    audit_id: UUID | None = None,
) -> list[Face]:
    """As `add_to_several`, to one identity."""
    new = NewFaces(identity_id=identity_id, enrolments=enrolments, audit_id=audit_id)
    return add_to_several(session, [new], models)[0]


def add_to_several(
    session: Session, several: Sequence[NewFaces], models: Mapping[str, int]
) -> list[list[Face]]:
    """Adds faces with their embeddings to identities of one gallery, by one statement: the faces of each of
    `several`. `models`: numbers of the models, by fingerprint.

    The faces are objects of no session. Keys ascend in the order given. The caller holds the gallery's lock
    and appends the changes. Raises Busy.
    """
    by_identity = [
        [face_of(new.identity_id, enrolment, new.audit_id) for enrolment in new.enrolments] for new in several
    ]
    faces = [face for some in by_identity for face in some]
    enrolments = [enrolment for new in several for enrolment in new.enrolments]
    for _ in range(_ATTEMPTS if faces else 0):
        inserted = face_rows.insert(session, faces, enrolments, models)
        if len(inserted) == len(faces):
            for face, (key, created_at) in zip(faces, inserted, strict=True):
                face.key, face.created_at = key, created_at
            return by_identity
        remove(session, [key for key, _ in inserted])
    if faces:
        raise Busy("found no free keys for the faces; try again")
    return by_identity


def get(session: Session, identity_id: UUID, face_id: UUID) -> Face:
    """Raises FaceNotFound."""
    face = session.scalar(select(Face).where(Face.identity_id == identity_id, Face.id == face_id))
    if face is None:
        raise FaceNotFound(f"this identity has no face {face_id}", id=str(face_id))
    return face


def get_crop(session: Session, face: Face) -> bytes:
    """The face's crop, a JPEG file. Raises CropNotStored."""
    crop = session.scalar(select(Face.crop).where(Face.key == face.key))
    if crop is None:
        raise CropNotStored("this gallery does not store crops of its faces", id=str(face.id))
    return bytes(crop)


def get_crops(session: Session, gallery_id: UUID, keys: Collection[int]) -> dict[int, bytes]:
    """JPEG files by the faces' keys, without faces that have no crop."""
    rows = session.execute(
        select(Face.key, Face.crop)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Face.key.in_(keys), Identity.gallery_id == gallery_id, Face.crop.is_not(None))
    )
    return {key: bytes(crop) for key, crop in rows if crop is not None}


def page(session: Session, identity_id: UUID, *, after: int | None, limit: int) -> Sequence[Face]:
    """At most `limit` faces after the key `after`, in the order of enrolment."""
    query = select(Face).where(Face.identity_id == identity_id)
    if after is not None:
        query = query.where(Face.key > after)
    return session.scalars(query.order_by(Face.key).limit(limit)).all()


def list_first(session: Session, identity_ids: Collection[UUID], most: int) -> dict[UUID, list[Face]]:
    """The first `most` faces of each identity, in the order of enrolment."""
    identities = select(Identity.id).where(Identity.id.in_(identity_ids)).subquery()
    first = (
        select(Face.key).where(Face.identity_id == identities.c.id).order_by(Face.key).limit(most).lateral()
    )
    keys = select(first.c.key).select_from(identities).join(first, true())
    faces: dict[UUID, list[Face]] = {identity_id: [] for identity_id in identity_ids}
    for face in session.scalars(select(Face).where(Face.key.in_(keys)).order_by(Face.key)):
        faces[face.identity_id].append(face)
    return faces


def count_by_identity(session: Session, identity_ids: Collection[UUID]) -> dict[UUID, int]:
    """The number of faces of each identity."""
    rows = session.execute(
        select(Face.identity_id, func.count())
        .where(Face.identity_id.in_(identity_ids))
        .group_by(Face.identity_id)
    )
    return dict.fromkeys(identity_ids, 0) | {row[0]: row[1] for row in rows}


def enrolled_images(
    session: Session, identity_id: UUID, among: Collection[bytes] | None = None
) -> set[bytes]:
    """SHA-256 digests of the photographs of the identity's faces; with `among`, only those in it."""
    query = select(Face.image_sha256).where(Face.identity_id == identity_id)
    if among is not None:
        query = query.where(Face.image_sha256.in_(among))
    return set(session.scalars(query))


def enrolled_images_of_several(
    session: Session, identity_ids: Collection[UUID], among: Collection[bytes]
) -> dict[UUID, set[bytes]]:
    """As `enrolled_images`, by identity."""
    found: dict[UUID, set[bytes]] = {identity_id: set() for identity_id in identity_ids}
    if not found or not among:
        return found
    query = select(Face.identity_id, Face.image_sha256).where(
        Face.identity_id.in_(identity_ids), Face.image_sha256.in_(among)
    )
    for identity_id, digest in session.execute(query):
        found[identity_id].add(bytes(digest))
    return found


def known_images(session: Session, gallery_id: UUID, among: Collection[bytes]) -> set[bytes]:
    """Those of the SHA-256 digests `among` of which the gallery has a face. Those of unknown visitors do not
    count: they are forgotten, maybe soon."""
    query = (
        select(Face.image_sha256)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Face.image_sha256.in_(among), Identity.gallery_id == gallery_id)
        .where(~Identity.anonymous | Identity.last_seen_at.is_(None))
    )
    return {bytes(digest) for digest in session.scalars(query)}


def read_vectors(
    session: Session, identity_id: UUID, fingerprint: str, *, at_once: int = 10_000
) -> Iterator[tuple[list[UUID], NDArray[np.float32]]]:
    """The identity's faces in batches: ids, and embeddings by one model, shape (n, dimension)."""
    query = (
        select(Face.key, Face.id, Embedding.vector)
        .join(Embedding, Embedding.face_key == Face.key)
        .join(Model, Model.id == Embedding.model_id)
        .where(
            Face.identity_id == identity_id,
            Model.fingerprint == fingerprint,
            Embedding.vector.is_not(None),
        )
        .order_by(Face.key)
        .limit(at_once)
    )
    rows = session.execute(query).all()
    while rows:
        vectors = np.frombuffer(b"".join(row.vector for row in rows), STORED_DTYPE)
        yield [row.id for row in rows], vectors.reshape(len(rows), -1)
        rows = session.execute(query.where(Face.key > rows[-1].key)).all()


def remove(session: Session, keys: Sequence[int]) -> None:
    """Deletes faces and their embeddings."""
    session.execute(delete(Face).where(Face.key.in_(keys)))


def remove_all(session: Session, identity_id: UUID) -> Sequence[int]:
    """Deletes all faces of an identity with their embeddings; returns their keys, ascending."""
    keys = select(Face.key).where(Face.identity_id == identity_id)
    session.execute(delete(Embedding).where(Embedding.face_key.in_(keys)))
    removed = session.scalars(delete(Face).where(Face.identity_id == identity_id).returning(Face.key))
    return sorted(removed)


def as_vector(stored: bytes) -> NDArray[np.float32]:
    return np.frombuffer(stored, STORED_DTYPE)
