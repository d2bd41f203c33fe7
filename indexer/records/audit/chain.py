"""Appends events to the audit record. Each row has the hash of the one before it.

    hash = SHA-256(hash of the previous row + the row's other columns as JSON)

The JSON has its keys in order, no spaces and no character beyond ASCII; the time is in UTC, to the
microsecond, and `details` is the text that is stored. The first row follows 32 zero bytes.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.callers import Caller, current_caller
from indexer.logs import one_line, request_id
from indexer.records.audit.event import AuditEvent

START = bytes(32)
"""What the first row follows."""
MAX_TEXT = 255
"""Characters of a name that is stored; a client may send a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event, and who caused it."""

    event: AuditEvent
    details: str
    """JSON, as it is stored."""
    caller: Caller
    request_id: str | None


def entry(event: AuditEvent) -> Entry:
    """Caused by the current caller in the current request. Raises ValueError, TypeError: no JSON."""
    return Entry(
        event=event,
        details=canonical_json(event.details),
        caller=current_caller.get(),
        request_id=request_id.get(),
    )


def append(session: Session, entries: Sequence[Entry], *, durable: bool = True) -> None:
    """In two round trips. The head of the chain is locked until the commit: it is the last lock that a
    transaction takes, so that writers never wait for each other in a circle. The table is locked before it,
    as a single statement would: `partitions` does so too.

    `durable`: whether the commit waits until the disk has the rows. Otherwise a crash of PostgreSQL's machine
    may lose the last of them, less than a second's; the chain stays whole.
    """
    session.flush()
    head = session.execute(_HEAD if durable else _HEAD_ASYNCHRONOUS).one()
    last, previous, at = head.number + len(entries), bytes(head.hash), head.now.astimezone(UTC)
    rows: list[dict[str, Any]] = []
    for number, one in enumerate(entries, head.number + 1):
        row = {"number": number, "at": at} | columns_of(one)
        row["previous_hash"], row["hash"] = previous, row_hash(previous, row)
        previous = row["hash"]
        rows.append(row)
    columns = {name: [_bindable(row[name]) for row in rows] for name in _TYPES}
    session.execute(_APPEND, columns | {"last": last, "last_hash": previous, "last_at": at})


def row_hash(previous: bytes, row: dict[str, Any]) -> bytes:
    """`row`: the columns by name; `details` is text. Hashes among them are left out."""
    hashed = {name: row[name] for name in _HASHED}
    hashed["at"] = time_text(row["at"])
    return hashlib.sha256(previous + canonical_json(hashed).encode()).digest()


def time_text(at: datetime) -> str:
    """Such as `2026-01-31T09:30:00.123456Z`."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical_json(value: Any) -> str:
    """As details are stored, and as rows are hashed. Raises ValueError, TypeError."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=_plain)


def columns_of(one: Entry) -> dict[str, Any]:
    """What is hashed of a row, without its number and its time."""
    event = one.event
    return {
        "id": event.id,
        "action": str(event.action),
        "caller": _short(one.caller.name),
        "key_id": one.caller.key_id,
        "address": _short(one.caller.address),
        "request_id": _short(one.request_id),
        "gallery": _short(event.gallery),
        "identity_id": event.identity_id,
        "details": one.details,
    }


def _short(value: str | None) -> str | None:
    """A client chooses names: no control character gets into the record."""
    return None if value is None else one_line(value)[:MAX_TEXT]


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, Enum):
        return value.value
    if hasattr(value, "item"):  # a number of numpy
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _bindable(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


_TYPES = {
    "number": "bigint",
    "id": "uuid",
    "at": "timestamptz",
    "action": "text",
    "caller": "text",
    "key_id": "uuid",
    "address": "text",
    "request_id": "text",
    "gallery": "text",
    "identity_id": "uuid",
    "details": "json",
    "previous_hash": "bytea",
    "hash": "bytea",
}
_HASHED = tuple(name for name in _TYPES if not name.endswith("hash"))
_ARRAYS = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in _TYPES.items())
_LOCK = (
    "LOCK TABLE ONLY audit_event IN ROW EXCLUSIVE MODE;"
    " SELECT number, hash, greatest(clock_timestamp(), at) AS now FROM audit_head FOR UPDATE"
)
_HEAD = text(_LOCK)
_HEAD_ASYNCHRONOUS = text(f"SET LOCAL synchronous_commit = off; {_LOCK}")
_APPEND = text(
    f"WITH written AS (INSERT INTO audit_event ({', '.join(_TYPES)}) SELECT * FROM unnest({_ARRAYS}))"  # noqa: S608
    " UPDATE audit_head SET number = :last, hash = :last_hash, at = :last_at"
)
