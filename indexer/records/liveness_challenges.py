"""Challenges of liveness: add, use once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from indexer.errors import ChallengeExpired, ChallengeNotFound, ChallengeUsed
from indexer.records.tables import LivenessChallenge

KEPT = timedelta(minutes=10)
"""After its expiry, so that a late client learns that it was late."""


def add(
    session: Session, *, token_hash: bytes, key_id: UUID | None, movements: Sequence[str], lifetime: timedelta
) -> datetime:
    """When it expires, by the database's clock. Also deletes old challenges, of all keys; two that add at
    once never wait for each other."""
    old = old_challenges().with_for_update(skip_locked=True)
    session.execute(delete(LivenessChallenge).where(LivenessChallenge.token_hash.in_(old)))
    values = {
        "token_hash": token_hash,
        "key_id": key_id,
        "movements": list(map(str, movements)),
        "expires_at": func.clock_timestamp() + lifetime,
    }
    expires_at: datetime = session.execute(
        insert(LivenessChallenge).values(values).returning(LivenessChallenge.expires_at)
    ).scalar_one()
    return expires_at


def old_challenges() -> Select[bytes]:
    """Their hashes. By the time of the transaction: with one that changes during it, PostgreSQL cannot use
    the index."""
    return select(LivenessChallenge.token_hash).where(LivenessChallenge.expires_at < func.now() - KEPT)


def use(session: Session, token_hash: bytes, *, key_id: UUID | None) -> list[str]:
    """Its movements. A second call waits for the first one's transaction, and then raises.

    Raises ChallengeNotFound (also for another key's), ChallengeUsed, ChallengeExpired."""
    now = func.clock_timestamp()
    own = (LivenessChallenge.token_hash == token_hash) & LivenessChallenge.key_id.is_not_distinct_from(key_id)
    movements: list[str] | None = session.execute(
        update(LivenessChallenge)
        .where(own, LivenessChallenge.used_at.is_(None), LivenessChallenge.expires_at > now)
        .values(used_at=now)
        .returning(LivenessChallenge.movements)
    ).scalar_one_or_none()
    if movements is not None:
        return movements
    row = session.execute(select(LivenessChallenge.used_at).where(own)).one_or_none()
    if row is None:
        raise ChallengeNotFound("there is no such challenge: draw one with POST /v1/liveness/challenges")
    if row.used_at is not None:
        raise ChallengeUsed("the challenge was used before: draw a new one for each burst")
    raise ChallengeExpired("the challenge has expired: draw a new one")
