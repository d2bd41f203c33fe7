"""Reads the audit record."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, func, literal_column, or_, select
from sqlalchemy.orm import Session

from indexer.errors import AuditEventNotFound
from indexer.records.audit.chain import START, row_hash, time_text
from indexer.records.audit.event import Action
from indexer.records.tables import AuditHead, AuditRecord

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in the chain: the number and the hash of a row."""

    number: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Head(Position):
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One event, as it is stored."""

    number: int
    id: UUID
    at: datetime
    action: str
    caller: str
    key_id: UUID | None
    address: str | None
    request_id: str | None
    gallery: str | None
    identity_id: UUID | None
    details: str
    """JSON, the text that was hashed."""
    previous_hash: bytes
    hash: bytes

    def own_hash(self, *, number: int | None = None) -> bytes:
        """By its content. `number`: as if it were another row."""
        columns = {name: getattr(self, name) for name in self.__slots__}
        if number is not None:
            columns["number"] = number
        return row_hash(self.previous_hash, columns)

    def as_json(self) -> dict[str, Any]:
        """Every column. From it the hash can be computed again."""
        return {
            "number": self.number,
            "id": str(self.id),
            "at": time_text(self.at),
            "action": self.action,
            "caller": self.caller,
            "key_id": self.key_id and str(self.key_id),
            "address": self.address,
            "request_id": self.request_id,
            "gallery": self.gallery,
            "identity_id": self.identity_id and str(self.identity_id),
            "details": json.loads(self.details),
            "previous_hash": self.previous_hash.hex(),
            "hash": self.hash.hex(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Of events. None: any."""

    since: datetime | None = None
    until: datetime | None = None
    """Before this time."""
    action: str | None = None
    """Such as `identity.enrolled`, or `identity` for all of its verbs."""
    gallery: str | None = None
    caller: str | None = None
    """A name, or the id of a key."""
    identity: UUID | None = None
    """Of whom the event is, or whose id its details name. A search through all details: give a time too."""
    request_id: str | None = None
    """Of the request, as its answer said. There is no index: give a time too."""


def head(session: Session) -> Head:
    row = session.get_one(AuditHead, 1, populate_existing=True)
    return Head(number=row.number, hash=bytes(row.hash), at=row.at)


def last_time(session: Session, action: Action, *, among: int) -> datetime | None:
    """When the last such event was written; None if there is none among so many of the newest events."""
    return session.scalar(
        select(func.max(AuditRecord.at)).where(
            AuditRecord.action == action, AuditRecord.number > head(session).number - among
        )
    )


def get(session: Session, event_id: UUID) -> AuditRow:
    """Raises AuditEventNotFound."""
    row = session.execute(_ALL.where(AuditRecord.id == event_id)).one_or_none()
    if row is None:
        raise AuditEventNotFound(f"the audit record has no event {event_id}", id=str(event_id))
    return _row(row)


def find(session: Session, key: str) -> AuditRow:
    """By its number or its id. Raises AuditEventNotFound."""
    if key.isascii() and key.isdecimal() and len(key) < 19:
        row = session.execute(_ALL.where(AuditRecord.number == int(key))).first()
        if row is not None:
            return _row(row)
    else:
        with suppress(ValueError):
            return get(session, UUID(key))
    raise AuditEventNotFound(f"the audit record has no event {key!r}", id=key)


def newest(session: Session, selected: Filter, *, before: int | None, limit: int) -> list[AuditRow]:
    """At most `limit` events with numbers below `before`, the newest first."""
    query = _filtered(selected).order_by(AuditRecord.number.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRecord.number < before)
    return [_row(row) for row in session.execute(query)]


def oldest_first(session: Session, selected: Filter | None = None) -> Iterator[AuditRow]:
    """All of them, read in portions."""
    query = _filtered(selected or Filter()).order_by(AuditRecord.number, AuditRecord.at)
    for row in session.execute(query.execution_options(yield_per=ROWS_AT_ONCE)):
        yield _row(row)


def start(session: Session) -> Position:
    """What the oldest row follows: the last row that was pruned, by the event that says so."""
    events = session.scalars(
        select(literal_column("details::text", Text))
        .where(AuditRecord.action == Action.AUDIT_PRUNED)
        .select_from(AuditRecord)
    )
    pruned = [json.loads(details) for details in events]
    if not pruned:
        return Position(number=0, hash=START)
    last = max(pruned, key=lambda details: int(details["last_number"]))
    return Position(number=last["last_number"], hash=bytes.fromhex(last["last_hash"]))


def first_number(session: Session) -> int | None:
    """Of the oldest row. Found by an index, where `start` reads all rows."""
    return session.scalar(select(func.min(AuditRecord.number)))


def last_before(session: Session, at: datetime) -> Position | None:
    """The last row before a time; None where there is none."""
    query = (
        select(AuditRecord.number, AuditRecord.hash)
        .where(AuditRecord.at < at)
        .order_by(AuditRecord.number.desc())
        .limit(1)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else Position(number=row.number, hash=bytes(row.hash))


def _filtered(selected: Filter) -> Any:
    query = _ALL
    if selected.since is not None:
        query = query.where(AuditRecord.at >= selected.since)
    if selected.until is not None:
        query = query.where(AuditRecord.at < selected.until)
    if selected.action is not None:
        of_noun = func.starts_with(AuditRecord.action, f"{selected.action}.")
        query = query.where(or_(AuditRecord.action == selected.action, of_noun))
    if selected.gallery is not None:
        query = query.where(AuditRecord.gallery == selected.gallery)
    if selected.request_id is not None:
        query = query.where(AuditRecord.request_id == selected.request_id)
    if selected.caller is not None:
        by_key = cast(AuditRecord.key_id, Text) == selected.caller
        query = query.where(or_(AuditRecord.caller == selected.caller, by_key))
    if selected.identity is not None:
        named = literal_column("details::text", Text).contains(str(selected.identity))
        query = query.where(or_(AuditRecord.identity_id == selected.identity, named))
    return query


_ALL = select(
    AuditRecord.number,
    AuditRecord.id,
    AuditRecord.at,
    AuditRecord.action,
    AuditRecord.caller,
    AuditRecord.key_id,
    AuditRecord.address,
    AuditRecord.request_id,
    AuditRecord.gallery,
    AuditRecord.identity_id,
    # As text: the driver would parse JSON, and its numbers would not come back as they were written.
    literal_column("audit_event.details::text", Text).label("details"),
    AuditRecord.previous_hash,
    AuditRecord.hash,
)


def _row(row: Any) -> AuditRow:
    columns = row._asdict()
    columns["previous_hash"], columns["hash"] = bytes(row.previous_hash), bytes(row.hash)
    return AuditRow(**columns)
