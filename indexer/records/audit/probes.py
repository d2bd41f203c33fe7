"""Kept crops of identified faces: add, get, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import CursorResult, delete, select
from sqlalchemy.orm import Session

from indexer.records.tables import AuditProbe, Face, Gallery


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    face: int
    """Its number in the event, from 0."""
    jpeg: bytes
    landmarks: Sequence[float]
    """x and y of the five landmarks, in pixels of the crop."""
    face_id: UUID | None
    """The enrolled face that it was matched with."""


def add(session: Session, gallery_id: UUID, event_id: UUID, kept: Sequence[Probe]) -> None:
    """Keeps no probe that was matched with a face, or in a gallery, that was deleted in the meantime."""
    matched = {probe.face_id for probe in kept} - {None}
    held = select(Gallery.id).where(Gallery.id == gallery_id).with_for_update(read=True, key_share=True)
    if session.scalar(held) is None:
        return
    faces = select(Face.id).where(Face.id.in_(matched)).order_by(Face.key)  # as those who move faces
    there = set(session.scalars(faces.with_for_update(read=True, key_share=True))) if matched else set()
    session.add_all(
        AuditProbe(
            event_id=event_id,
            face=probe.face,
            gallery_id=gallery_id,
            face_id=probe.face_id,
            crop=probe.jpeg,
            landmarks=list(probe.landmarks),
        )
        for probe in kept
        if probe.face_id is None or probe.face_id in there
    )


def of_event(session: Session, event_id: UUID) -> dict[int, Probe]:
    """By the number of the face; without those that were not kept or have since been deleted."""
    rows = session.execute(
        select(AuditProbe.face, AuditProbe.crop, AuditProbe.landmarks, AuditProbe.face_id).where(
            AuditProbe.event_id == event_id
        )
    )
    return {
        face: Probe(face=face, jpeg=bytes(crop), landmarks=landmarks, face_id=face_id)
        for face, crop, landmarks, face_id in rows
    }


def crop(session: Session, event_id: UUID, face: int) -> bytes | None:
    """JPEG. None where it was not kept, or was deleted."""
    query = select(AuditProbe.crop).where(AuditProbe.event_id == event_id, AuditProbe.face == face)
    found = session.scalar(query)
    return None if found is None else bytes(found)


def delete_of_event(session: Session, event_id: UUID) -> int:
    """How many were deleted."""
    return _count(session.execute(delete(AuditProbe).where(AuditProbe.event_id == event_id)))


def delete_before(session: Session, before: datetime) -> int:
    """Deletes the probes of all galleries that were kept before. How many there were."""
    return _count(session.execute(delete(AuditProbe).where(AuditProbe.created_at < before)))


def _count(result: Any) -> int:
    return cast("CursorResult[Any]", result).rowcount
