"""API keys: create, find, limit, rotate, revoke, and what a process needs to recognise them.

Each change writes a new version in the same transaction and notifies all processes.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import Float, cast, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.errors import KeyNotFound
from indexer.records.tables import ApiKey, ApiKeyVersion

CHANNEL = "gemel_api_key"
LAST_USED_PRECISION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LiveKey:
    """A key that is neither revoked nor expired: what a process needs to recognise it."""

    id: UUID
    name: str
    prefix: str
    secret_hash: bytes
    previous_hash: bytes | None
    roles: list[str]
    galleries: list[str] | None
    requests_per_second: float | None
    faces_per_second: float | None
    max_concurrent: int | None
    expires_at: datetime | None
    seconds_left: float | None
    """Until it expires, by the database's clock, when it was read."""
    previous_seconds_left: float | None
    """Until the text before its last rotation expires. None: there is none."""


_LIVE_COLUMNS = [getattr(ApiKey, column.name) for column in fields(LiveKey) if hasattr(ApiKey, column.name)]
"""Without the ORM's objects, which take five times as long for thousands of keys."""


def version(session: Session) -> UUID | None:
    """Names the content of the table. None: no key was ever created."""
    return session.scalar(select(ApiKeyVersion.version))


def live(session: Session) -> Sequence[LiveKey]:
    now = func.clock_timestamp()
    left, previous_left = (
        cast(func.extract("epoch", column - now), Float).label(name)
        for column, name in (
            (ApiKey.expires_at, "seconds_left"),
            (ApiKey.previous_expires_at, "previous_seconds_left"),
        )
    )
    rows = session.execute(
        select(*_LIVE_COLUMNS, left, previous_left)
        .where(ApiKey.revoked_at.is_(None))
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
    )
    return [LiveKey(**row) for row in rows.mappings()]


def any_exists(session: Session) -> bool:
    """Whether a key was ever created. From then on, requests need one."""
    return bool(session.scalar(select(exists(select(ApiKey.id)))))


def list_expiring(session: Session, *, within: timedelta) -> Sequence[ApiKey]:
    """Keys that are valid now and expire within this time, the next first."""
    return session.scalars(
        select(ApiKey)
        .where(
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > func.now(),
            ApiKey.expires_at <= func.now() + within,
        )
        .order_by(ApiKey.expires_at)
    ).all()


def add(session: Session, key: ApiKey) -> ApiKey:
    session.add(key)
    session.flush()
    session.refresh(key)
    _note_change(session, key.id)
    return key


def list_all(session: Session) -> Sequence[ApiKey]:
    """In the order of their creation, with revoked and expired ones."""
    return session.scalars(select(ApiKey).order_by(ApiKey.id)).all()


def get(session: Session, key_id: UUID, *, lock: bool = False) -> ApiKey:
    """`lock`: until the transaction ends. Raises KeyNotFound."""
    key = session.get(ApiKey, key_id, with_for_update=lock)
    if key is None:
        raise KeyNotFound(f"there is no API key {key_id}", key_id=str(key_id))
    return key


def find_by_prefix(session: Session, prefix: str) -> UUID | None:
    return session.scalar(select(ApiKey.id).where(ApiKey.prefix == prefix))


def rotate(session: Session, key: ApiKey, secret_hash: bytes, *, overlap_seconds: float) -> None:
    """The present text stays valid for `overlap_seconds`; the one before it ends at once."""
    now = func.now()
    overlap = overlap_seconds > 0
    key.previous_hash = key.secret_hash if overlap else None
    key.previous_expires_at = now + func.make_interval(0, 0, 0, 0, 0, 0, overlap_seconds) if overlap else None
    key.secret_hash = secret_hash
    key.rotated_at = now
    session.flush()
    session.refresh(key)
    _note_change(session, key.id)


def set_limits(
    session: Session,
    key: ApiKey,
    *,
    requests_per_second: float | None,
    faces_per_second: float | None,
    max_concurrent: int | None,
) -> None:
    key.requests_per_second = requests_per_second
    key.faces_per_second = faces_per_second
    key.max_concurrent = max_concurrent
    session.flush()
    session.refresh(key)
    _note_change(session, key.id)


def revoke(session: Session, key: ApiKey) -> None:
    """Revoking a revoked key changes nothing."""
    if key.revoked_at is None:
        key.revoked_at = func.clock_timestamp()
        session.flush()
        session.refresh(key)
        _note_change(session, key.id)


def note_use(session: Session, key_ids: Collection[UUID]) -> None:
    """Of several processes that report a use within a minute, one writes it. Waits for no lock."""
    now = func.clock_timestamp()
    old = or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < now - LAST_USED_PRECISION)
    free = select(ApiKey.id).where(ApiKey.id.in_(key_ids), old).with_for_update(skip_locked=True)
    session.execute(update(ApiKey).where(ApiKey.id.in_(free)).values(last_used_at=now))


def _note_change(session: Session, key_id: UUID) -> None:
    statement = insert(ApiKeyVersion).values(id=1, version=uuid4())
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[ApiKeyVersion.id], set_={"version": statement.excluded.version}
        )
    )
    session.execute(select(func.pg_notify(CHANNEL, str(key_id))))
