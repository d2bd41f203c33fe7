"""Sign-ins of the console: add, find, end."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import CursorResult, Float, Select, cast, delete, func, insert, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from indexer.records.tables import SignIn

LAST_USED_PRECISION = timedelta(minutes=1)
MOST_OF_A_KEY = 100
"""Live sign-ins of one key. With one more, the oldest ends."""


@dataclass(frozen=True, slots=True)
class LiveSignIn:
    id: UUID
    token_hash: bytes
    key_id: UUID | None
    key_binding: bytes
    lifetime_seconds_left: float
    """Until it expires, however much it is used, by the database's clock, when it was read."""
    unused_seconds: float


def add(
    session: Session,
    *,
    token_hash: bytes,
    key_id: UUID | None,
    key_binding: bytes,
    lifetime: timedelta,
    idle: timedelta,
) -> UUID:
    """Also deletes what has ended, of all keys, and the oldest of this key above `MOST_OF_A_KEY`."""
    now = func.clock_timestamp()
    _delete_unlocked(session, select(SignIn.id).where(~_is_live(idle)))
    sign_in_id = uuid_utils.compat.uuid7()
    values = {
        "id": sign_in_id,
        "token_hash": token_hash,
        "key_id": key_id,
        "key_binding": key_binding,
        "created_at": now,
        "last_used_at": now,
        "expires_at": now + lifetime,
    }
    session.execute(insert(SignIn).values(values))
    kept = select(SignIn.id).where(_is_of(key_id)).order_by(SignIn.id.desc()).limit(MOST_OF_A_KEY)
    _delete_unlocked(session, select(SignIn.id).where(_is_of(key_id), SignIn.id.not_in(kept)))
    return sign_in_id


def live(session: Session, token_hashes: Collection[bytes], *, idle: timedelta) -> Sequence[LiveSignIn]:
    now = func.clock_timestamp()
    rows = session.execute(
        select(
            SignIn.id,
            SignIn.token_hash,
            SignIn.key_id,
            SignIn.key_binding,
            cast(func.extract("epoch", SignIn.expires_at - now), Float),
            cast(func.extract("epoch", now - SignIn.last_used_at), Float),
        ).where(SignIn.token_hash.in_(token_hashes), _is_live(idle))
    )
    return [LiveSignIn(*row) for row in rows]


def note_use(session: Session, sign_in_ids: Collection[UUID]) -> None:
    """Waits for no lock."""
    now = func.clock_timestamp()
    free = (
        select(SignIn.id)
        .where(SignIn.id.in_(sign_in_ids), SignIn.last_used_at < now - LAST_USED_PRECISION)
        .with_for_update(skip_locked=True)
    )
    session.execute(update(SignIn).where(SignIn.id.in_(free)).values(last_used_at=now))


def end(session: Session, token_hash: bytes) -> bool:
    """Whether it was there."""
    return _rows(session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))) > 0


def end_all_of(session: Session, key_id: UUID | None) -> int:
    """How many there were. None: those of the bootstrap key."""
    return _rows(session.execute(delete(SignIn).where(_is_of(key_id))))


def _delete_unlocked(session: Session, ids: Select[UUID]) -> None:
    """Leaves out rows that others delete or use: two that sign in at once never wait for each other."""
    session.execute(delete(SignIn).where(SignIn.id.in_(ids.with_for_update(skip_locked=True))))


def _is_live(idle: timedelta) -> ColumnElement[bool]:
    now = func.clock_timestamp()
    return (SignIn.expires_at > now) & (SignIn.last_used_at > now - idle)


def _is_of(key_id: UUID | None) -> ColumnElement[bool]:
    return SignIn.key_id.is_not_distinct_from(key_id)


def _rows(result: object) -> int:
    assert isinstance(result, CursorResult)
    return int(result.rowcount)
