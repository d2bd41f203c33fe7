"""What has become of the people and faces that an event names by their ids."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.records.tables import Face, Gallery, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentFace:
    """An enrolled face, as it is now."""

    key: int
    identity_id: UUID
    """Whom it belongs to now."""
    gallery_id: UUID
    gallery: str
    """The gallery's name now."""
    has_crop: bool


def faces(session: Session, face_ids: Collection[UUID]) -> dict[UUID, PresentFace]:
    """Without those that were deleted."""
    rows = session.execute(
        select(
            Face.id, Face.key, Face.identity_id, Gallery.id, Gallery.name, Face.crop_landmarks.is_not(None)
        )
        .join(Identity, Identity.id == Face.identity_id)
        .join(Gallery, Gallery.id == Identity.gallery_id)
        .where(Face.id.in_(face_ids))
    )
    return {
        face_id: PresentFace(
            key=key, identity_id=identity_id, gallery_id=gallery_id, gallery=gallery, has_crop=has_crop
        )
        for face_id, key, identity_id, gallery_id, gallery, has_crop in rows
    }


def crops(session: Session, face_ids: Collection[UUID]) -> dict[UUID, bytes]:
    """JPEG files, by face; without those that are not stored."""
    rows = session.execute(select(Face.id, Face.crop).where(Face.id.in_(face_ids), Face.crop.is_not(None)))
    return {face_id: bytes(crop) for face_id, crop in rows if crop is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentPerson:
    name: str | None
    """The external id where there is no name."""
    created_at: datetime


def people(session: Session, identity_ids: Collection[UUID]) -> dict[UUID, PresentPerson]:
    """Without those that were deleted."""
    rows = session.execute(
        select(Identity.id, Identity.name, Identity.external_id, Identity.created_at).where(
            Identity.id.in_(identity_ids)
        )
    )
    return {
        identity_id: PresentPerson(name=name or external_id, created_at=created_at)
        for identity_id, name, external_id, created_at in rows
    }
