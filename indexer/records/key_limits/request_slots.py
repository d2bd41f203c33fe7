"""Slots for a key's concurrent requests. They are leased: those of a killed process become free again."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.tables import RequestSlot

LEASE = timedelta(seconds=30)
"""A process extends its leases more often than this."""
_NOW = func.clock_timestamp()


def take(session: Session, key_id: UUID, most: int) -> UUID | None:
    """Leases one of the slots 1 to `most`. Returns the lease, None where all are taken."""
    lease = uuid_utils.compat.uuid4()
    if _take_free(session, key_id, most, lease):
        return lease
    _insert_missing(session, key_id, most)
    return lease if _take_free(session, key_id, most, lease) else None


def release(session: Session, key_id: UUID, lease: UUID) -> None:
    """Does nothing where the lease has expired and another request has the slot."""
    session.execute(
        update(RequestSlot)
        .where(RequestSlot.key_id == key_id, RequestSlot.lease == lease)
        .values(lease=None, leased_until=None)
        .execution_options(synchronize_session=False)
    )


def extend(session: Session, leases: Collection[UUID]) -> None:
    """Extends leases that nobody else has taken over meanwhile."""
    session.execute(
        update(RequestSlot)
        .where(RequestSlot.lease.in_(leases))
        .values(leased_until=_NOW + LEASE)
        .execution_options(synchronize_session=False)
    )


def _take_free(session: Session, key_id: UUID, most: int, lease: UUID) -> bool:
    # A slot that is locked is just being taken or released: it is skipped, not waited for.
    free = (
        select(RequestSlot.number)
        .where(
            RequestSlot.key_id == key_id,
            RequestSlot.number <= most,
            or_(RequestSlot.lease.is_(None), RequestSlot.leased_until < _NOW),
        )
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalar(
        update(RequestSlot)
        .where(RequestSlot.key_id == key_id, RequestSlot.number == free.scalar_subquery())
        .values(lease=lease, leased_until=_NOW + LEASE)
        .returning(RequestSlot.number)
        .execution_options(synchronize_session=False)
    )
    return taken is not None


def _insert_missing(session: Session, key_id: UUID, most: int) -> None:
    """Of a new key, of a raised limit, or after a crash of PostgreSQL."""
    present = select(func.count()).where(RequestSlot.key_id == key_id, RequestSlot.number <= most)
    if session.scalar(present) == most:
        return
    numbers = select(literal(key_id), func.generate_series(1, most))
    session.execute(insert(RequestSlot).from_select(["key_id", "number"], numbers).on_conflict_do_nothing())
