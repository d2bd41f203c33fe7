"""Unknown visitors: anonymous identities that a search remembered. They have a time of their last sighting,
which groups of unlabelled photographs do not have."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, select, text, tuple_, update
from sqlalchemy.orm import Session

from indexer.records.enrolled import identities
from indexer.records.tables import Embedding, Face, Gallery, Identity

SEEN_EVERY_SECONDS = 10
"""A sighting so soon after the last one writes nothing: a video shows a person many times a second."""

_SEE = text("""
UPDATE identity SET last_seen_at = now()
WHERE id = (
    SELECT id FROM identity
    WHERE id = CAST(:identity_id AS uuid) AND anonymous
        AND last_seen_at < now() - make_interval(secs => :every_seconds)
    FOR NO KEY UPDATE SKIP LOCKED
)
""")
"""Needs no lock of the gallery, and waits for none: who holds the row is changing or deleting the person."""


def _is_visitor(gallery_id: UUID) -> ColumnElement[bool]:
    return and_(Identity.gallery_id == gallery_id, Identity.anonymous, Identity.last_seen_at.is_not(None))


def add(session: Session, gallery_id: UUID) -> Identity:
    """A new visitor, seen now. The caller holds the gallery's lock."""
    visitor = identities.create(session, gallery_id, external_id=None, name=None, metadata={}, anonymous=True)
    session.execute(update(Identity).where(Identity.id == visitor.id).values(last_seen_at=func.now()))
    return visitor


def see(session: Session, identity_id: UUID, *, every_seconds: float = SEEN_EVERY_SECONDS) -> None:
    """Sets the time of the last sighting, of a visitor who was not seen in the last `every_seconds`."""
    session.execute(_SEE, {"identity_id": str(identity_id), "every_seconds": every_seconds})


def exists(session: Session, gallery_id: UUID, identity_id: UUID) -> bool:
    found = select(Identity.id).where(Identity.id == identity_id, _is_visitor(gallery_id))
    return session.scalar(found) is not None


def count(session: Session, gallery_id: UUID) -> int:
    return session.scalar(select(func.count()).where(_is_visitor(gallery_id))) or 0


def page(
    session: Session, gallery_id: UUID, *, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Identity]:
    """At most `limit` visitors, the one who was seen last first. `before`: time of the last sighting and id
    of the last one of the page before."""
    query = select(Identity).where(_is_visitor(gallery_id))
    if before is not None:
        query = query.where(tuple_(Identity.last_seen_at, Identity.id) < before)
    return session.scalars(
        query.order_by(Identity.last_seen_at.desc(), Identity.id.desc()).limit(limit)
    ).all()


def unseen_longest(
    session: Session, gallery_id: UUID, *, limit: int, older_than: timedelta | None = None
) -> Sequence[UUID]:
    """The `limit` who were not seen for the longest time. `older_than`: only those unseen for so long."""
    query = select(Identity.id).where(_is_visitor(gallery_id))
    if older_than is not None:
        query = query.where(Identity.last_seen_at < func.now() - older_than)
    return session.scalars(query.order_by(Identity.last_seen_at, Identity.id).limit(limit)).all()


def galleries_to_forget_in(session: Session) -> Sequence[Gallery]:
    """Galleries with a visitor whose lifetime is over, or with more visitors than they may have."""
    lifetime = func.make_interval(0, 0, 0, 0, 0, 0, Gallery.visitor_lifetime_hours * 3600)
    visitors = (
        select(Identity.id)
        .where(Identity.gallery_id == Gallery.id, Identity.anonymous, Identity.last_seen_at.is_not(None))
        .correlate(Gallery)
    )
    expired = visitors.where(Identity.last_seen_at < func.now() - lifetime).exists()
    too_many = visitors.offset(Gallery.max_visitors).exists()
    return session.scalars(select(Gallery).where(expired | too_many).order_by(Gallery.name)).all()


def remove(session: Session, identity_ids: Collection[UUID]) -> Sequence[int]:
    """Deletes visitors with their faces; returns the faces' keys, ascending. The caller holds the gallery's
    lock, and deletes before what else is known of them."""
    found = select(Face.key).where(Face.identity_id.in_(identity_ids)).order_by(Face.key)
    keys = session.scalars(found.with_for_update()).all()  # in the order of all others who lock faces
    session.execute(delete(Embedding).where(Embedding.face_key.in_(keys)))
    session.execute(delete(Face).where(Face.key.in_(keys)))
    session.execute(delete(Identity).where(Identity.id.in_(identity_ids)))
    return keys
