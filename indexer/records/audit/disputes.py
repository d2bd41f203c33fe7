"""Matches that somebody said to be wrong: add, withdraw, count, list.

A dispute is with the owner of the enrolled face that was nearest. So it follows the face to another identity.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import AuditProbe, Dispute, Face, Gallery


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedProbe:
    jpeg: bytes
    landmarks: Sequence[float]
    """x and y of the five landmarks, in pixels of the crop."""
    identity_id: UUID
    """Whom the disputed face belongs to now."""


def add(session: Session, gallery: Gallery, dispute: Dispute) -> tuple[Dispute, bool]:
    """The dispute, and whether it is new: a match is disputed once. `gallery`: locked."""
    gallery.has_disputes = True
    values = {
        column.key: getattr(dispute, column.key)
        for column in Dispute.__table__.columns
        if column.key != "created_at"
    }
    added = session.scalar(insert(Dispute).values(values).on_conflict_do_nothing().returning(Dispute.id))
    found = session.scalars(
        select(Dispute).where(
            Dispute.event_id == dispute.event_id,
            Dispute.probe == dispute.probe,
            Dispute.identity_id == dispute.identity_id,
        )
    ).one()
    return found, added is not None


def of_event(session: Session, event_id: UUID) -> Sequence[Dispute]:
    query = select(Dispute).where(Dispute.event_id == event_id)
    return session.scalars(query.order_by(Dispute.probe, Dispute.created_at, Dispute.id)).all()


def of_gallery(session: Session, gallery_id: UUID) -> Sequence[Dispute]:
    """In the order of time."""
    query = select(Dispute).where(Dispute.gallery_id == gallery_id)
    return session.scalars(query.order_by(Dispute.created_at, Dispute.id)).all()


def count(session: Session, gallery_id: UUID) -> int:
    return session.scalar(select(func.count()).where(Dispute.gallery_id == gallery_id)) or 0


def with_probes(session: Session, gallery_id: UUID, *, at_most: int) -> list[DisputedProbe]:
    """The newest disputes whose probe is kept."""
    rows = session.execute(
        select(AuditProbe.crop, AuditProbe.landmarks, Face.identity_id)
        .select_from(Dispute)
        .join(AuditProbe, and_(AuditProbe.event_id == Dispute.event_id, AuditProbe.face == Dispute.probe))
        .join(Face, Face.id == Dispute.face_id)
        .where(Dispute.gallery_id == gallery_id)
        .order_by(Dispute.created_at.desc(), Dispute.id)
        .limit(at_most)
    )
    return [
        DisputedProbe(jpeg=bytes(crop), landmarks=landmarks, identity_id=identity_id)
        for crop, landmarks, identity_id in rows
    ]


def get(session: Session, event_id: UUID, dispute_id: UUID) -> Dispute | None:
    return session.scalar(select(Dispute).where(Dispute.id == dispute_id, Dispute.event_id == event_id))


def remove(session: Session, dispute_id: UUID) -> None:
    session.execute(delete(Dispute).where(Dispute.id == dispute_id))


def count_by_identity(session: Session, gallery_id: UUID, identity_ids: Collection[UUID]) -> dict[UUID, int]:
    """How many disputes there are with faces of these identities; without those that have none."""
    rows = session.execute(
        select(Face.identity_id, func.count())
        .select_from(Dispute)
        .join(Face, Face.id == Dispute.face_id)
        .where(Dispute.gallery_id == gallery_id, Face.identity_id.in_(identity_ids))
        .group_by(Face.identity_id)
    )
    return {row[0]: row[1] for row in rows}
