"""Slots for a key's concurrent requests. They are leased: those of a killed process become free again.

Every request takes and releases one, so the statements are text, which the ORM need not build.
"""

from collections.abc import Collection
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import text
from sqlalchemy.orm import Session

LEASE_SECONDS = 30.0
"""A process extends its leases more often than this."""

# A slot that is locked is just being taken or released: it is skipped, not waited for.
_TAKE = text("""
    UPDATE request_slot
    SET lease = :lease, leased_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE key_id = :key_id AND number = (
        SELECT number FROM request_slot
        WHERE key_id = :key_id AND number <= :most AND (lease IS NULL OR leased_until < clock_timestamp())
        LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING number
""")
_INSERT_MISSING = text("""
    INSERT INTO request_slot (key_id, number)
    SELECT :key_id, number FROM generate_series(1, :most) AS number
    WHERE (SELECT count(*) FROM request_slot WHERE key_id = :key_id AND number <= :most) < :most
    ON CONFLICT DO NOTHING
""")
_RELEASE = text("""
    UPDATE request_slot SET lease = NULL, leased_until = NULL WHERE key_id = :key_id AND lease = :lease
""")
_EXTEND = text("""
    UPDATE request_slot SET leased_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE lease = ANY(:leases)
""")


def take(session: Session, key_id: UUID, most: int) -> UUID | None:
    """Leases one of the slots 1 to `most`. Returns the lease, None where all are taken."""
    lease: UUID = uuid_utils.compat.uuid4()
    slot = {"key_id": key_id, "most": most, "lease": lease, "seconds": LEASE_SECONDS}
    if session.scalar(_TAKE, slot) is None:
        # Of a new key, of a raised limit, or after a crash of PostgreSQL. Another process may do so too.
        session.execute(_INSERT_MISSING, {"key_id": key_id, "most": most})
        if session.scalar(_TAKE, slot) is None:
            return None
    return lease


def release(session: Session, key_id: UUID, lease: UUID) -> None:
    """Does nothing where the lease has expired and another request has the slot."""
    session.execute(_RELEASE, {"key_id": key_id, "lease": lease})


def extend(session: Session, leases: Collection[UUID]) -> None:
    """Not those that have expired and that another request has taken over."""
    session.execute(_EXTEND, {"leases": list(leases), "seconds": LEASE_SECONDS})
