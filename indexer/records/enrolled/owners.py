"""The identities that enrolled faces belong to, by the faces' keys or by the pictures."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select
from sqlalchemy.orm import Session

from indexer.records.tables import Face, Identity

KEYS_OF_A_QUERY = 5_000
_OWNERS = (
    select(
        Face.key,
        Face.id,
        Identity.id,
        Identity.external_id,
        Identity.name,
        Identity.anonymous,
        Identity.hidden,
        Identity.last_seen_at,
    )
    .join(Identity, Identity.id == Face.identity_id)
    .where(
        Face.key == any_(bindparam("keys", type_=ARRAY(BigInteger))),
        Identity.gallery_id == bindparam("gallery_id"),
    )
)
"""Built once, because every search runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The identity of an enrolled face."""

    face_id: UUID
    identity_id: UUID
    external_id: str | None
    name: str | None
    anonymous: bool = False
    hidden: bool = False
    last_seen_at: datetime | None = None


def find_owners(session: Session, gallery_id: UUID, keys: Collection[int]) -> dict[int, Owner]:
    """The owners of faces, by key, without those faces that were deleted meanwhile.

    One query for every 5,000 keys, so that none has hundreds of thousands.
    """
    owners: dict[int, Owner] = {}
    remaining = iter(keys)
    while portion := list(islice(remaining, KEYS_OF_A_QUERY)):
        rows = session.execute(_OWNERS, {"gallery_id": gallery_id, "keys": portion})
        owners |= {
            key: Owner(
                face_id=face_id,
                identity_id=identity_id,
                external_id=external_id,
                name=name,
                anonymous=anonymous,
                hidden=hidden,
                last_seen_at=last_seen_at,
            )
            for key, face_id, identity_id, external_id, name, anonymous, hidden, last_seen_at in rows
        }
    return owners


def find_numbers(session: Session, gallery_id: UUID, keys: Collection[int]) -> dict[int, int]:
    """The number of each face's owner (as in `Owners` of an index), by the face's key. Faces that were
    deleted are left out."""
    numbers: dict[int, int] = {}
    remaining = iter(keys)
    while portion := list(islice(remaining, KEYS_OF_A_QUERY)):
        rows = session.execute(
            select(Face.key, Identity.number)
            .join(Identity, Identity.id == Face.identity_id)
            .where(Face.key.in_(portion), Identity.gallery_id == gallery_id)
        )
        numbers |= dict(rows.tuples().all())
    return numbers


def people_of_images(
    session: Session, gallery_id: UUID, digests: Collection[bytes]
) -> dict[bytes, list[Owner]]:
    """The owners of the faces of pictures, by the SHA-256 digest of the picture; in the order of enrolment.
    Pictures of nobody are left out."""
    owners: dict[bytes, list[Owner]] = {}
    remaining = iter(digests)
    while portion := list(islice(remaining, KEYS_OF_A_QUERY)):
        rows = session.execute(
            select(Face, Identity)
            .join(Identity, Identity.id == Face.identity_id)
            .where(Face.image_sha256.in_(portion), Identity.gallery_id == gallery_id)
            .order_by(Face.key)
        )
        for face, identity in rows:
            owner = Owner(
                face_id=face.id,
                identity_id=identity.id,
                external_id=identity.external_id,
                name=identity.name,
                anonymous=identity.anonymous,
                hidden=identity.hidden,
                last_seen_at=identity.last_seen_at,
            )
            owners.setdefault(bytes(face.image_sha256), []).append(owner)
    return owners
