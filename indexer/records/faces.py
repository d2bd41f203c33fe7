"""Enrolled faces and their embeddings: add, find, list, delete."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    BigInteger,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from indexer.errors import Busy, CropNotStored, FaceNotFound
from indexer.records.tables import Embedding, Face, Gallery, Identity, Model
from indexer.types import Enrolment

STORED_DTYPE = np.dtype("<f4")

KEYS_OF_A_QUERY = 5_000
_OWNERS = (
    select(Face.key, Face.id, Identity.id, Identity.external_id, Identity.name)
    .join(Identity, Identity.id == Face.identity_id)
    .where(
        Face.key == any_(bindparam("keys", type_=ARRAY(BigInteger))),
        Identity.gallery_id == bindparam("gallery_id"),
    )
)
"""Built once, because every search runs it."""

_ATTEMPTS = 5
_NOW = literal_column(
    "((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1735689600000) * 4096", BigInteger
)
"""Milliseconds since 2025, the upper 41 bits of a key, until 2094. A key has 53 bits, as many as a number
in JSON keeps exactly."""
_RANDOM = literal_column("floor(random() * 4096)::bigint", BigInteger)
"""The lower 12 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The identity of an enrolled face."""

    face_id: UUID
    identity_id: UUID
    external_id: str | None
    name: str | None


def add(
    session: Session, identity_id: UUID, enrolments: Sequence[Enrolment], models: Mapping[str, int]
) -> list[Face]:
    """Adds faces with their embeddings. `models`: numbers of the models, by fingerprint.

    The caller holds the gallery's lock and appends the changes. Raises Busy.
    """
    faces = _insert(session, identity_id, enrolments)
    if faces:
        session.execute(
            insert(Embedding),
            [
                {
                    "face_key": face.key,
                    "model_id": number,
                    "vector": e.vectors[fingerprint].astype(STORED_DTYPE).tobytes(),
                }
                for face, e in zip(faces, enrolments, strict=True)
                for fingerprint, number in models.items()
                if fingerprint in e.vectors
            ],
        )
    return faces


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


def find_owners(session: Session, gallery_id: UUID, keys: Collection[int]) -> dict[int, Owner]:
    """The owners of faces, by key, without those faces that were deleted meanwhile.

    One query for every 5,000 keys, so that none has hundreds of thousands.
    """
    owners: dict[int, Owner] = {}
    remaining = iter(keys)
    while portion := list(islice(remaining, KEYS_OF_A_QUERY)):
        rows = session.execute(_OWNERS, {"gallery_id": gallery_id, "keys": portion})
        owners |= {
            key: Owner(face_id=face_id, identity_id=identity_id, external_id=external_id, name=name)
            for key, face_id, identity_id, external_id, name in rows
        }
    return owners


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


def _insert(session: Session, identity_id: UUID, enrolments: Sequence[Enrolment]) -> list[Face]:
    for _ in range(_ATTEMPTS if enrolments else 0):
        first = _draw_keys(session, identity_id, len(enrolments))
        faces = [_face(first + place, identity_id, e) for place, e in enumerate(enrolments)]
        try:
            with session.begin_nested():
                session.add_all(faces)
        except IntegrityError as error:  # another gallery drew one of these keys in the same millisecond
            if getattr(getattr(error.orig, "diag", None), "constraint_name", None) != "face_pkey":
                raise
        else:
            return faces
    if enrolments:
        raise Busy("found no free keys for the faces; try again")
    return []


def _draw_keys(session: Session, identity_id: UUID, count: int) -> int:
    """The first of `count` successive keys.

    They ascend within a gallery, as the index requires. They come from the server's clock and a random
    number, not from a counter: a restored database would reuse a counter's numbers, and a key that a process
    still holds would name another face. The primary key detects a collision within one millisecond.
    """
    gallery_id = select(Identity.gallery_id).where(Identity.id == identity_id).scalar_subquery()
    last = session.scalars(
        update(Gallery)
        .where(Gallery.id == gallery_id)
        .values(last_face_key=func.greatest(Gallery.last_face_key, _NOW) + _RANDOM + count)
        .returning(Gallery.last_face_key),
        execution_options={"synchronize_session": False},
    ).one()
    return last - count + 1


def _face(key: int, identity_id: UUID, e: Enrolment) -> Face:
    return Face(
        key=key,
        identity_id=identity_id,
        box=[e.face.box.x, e.face.box.y, e.face.box.width, e.face.box.height],
        landmarks=e.face.landmarks.ravel().tolist(),
        confidence=e.face.confidence,
        quality=e.quality.score,
        quality_components=e.quality.components(),
        image_sha256=e.image_sha256,
        crop=None if e.crop is None else e.crop.jpeg,
        crop_landmarks=None if e.crop is None else e.crop.landmarks.ravel().tolist(),
    )
