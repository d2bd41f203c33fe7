"""Appends one event in one statement, which is a transaction by itself: for searches, where each round trip
to PostgreSQL counts.

PostgreSQL fills in what only the holder of the head's lock knows, the number and the time. The rest of the
text that is hashed comes from here.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from indexer.records.audit.chain import Entry, canonical_json, columns_of


def append_one(session: Session, entry: Entry, *, durable: bool) -> None:
    """`session`: of `Database.reading`. `durable`: as for `chain.append`.

    Raises DatabaseUnavailable where the head is missing, as while a backup is being restored.
    """
    columns = columns_of(entry)
    names = sorted(columns)
    head = canonical_json({name: columns[name] for name in names if name < "at"})
    middle = canonical_json({name: columns[name] for name in names if "at" < name < "number"})
    tail = canonical_json({name: columns[name] for name in names if name > "number"})
    pieces = {
        "first": f'{head[:-1]},"at":"',
        "middle": f'",{middle[1:-1]},"number":',
        "last": f",{tail[1:]}",
    }
    values: dict[str, Any] = {
        name: str(value) if isinstance(value, UUID) else value for name, value in columns.items()
    }
    appended = session.scalar(_APPEND if durable else _APPEND_ASYNCHRONOUS, values | pieces)
    if appended is None:
        raise NoResultFound("the audit record has no head")


_STATEMENT = r"""
WITH head AS (
    SELECT number + 1 AS number, hash AS previous, greatest(clock_timestamp(), at) AS at
    FROM audit_head FOR UPDATE
), next AS (
    SELECT number, at, previous, sha256(previous || convert_to(
        :first || to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\:MI\:SS.US"Z"')
        || :middle || number || :last, 'UTF8')) AS hash
    FROM head {mode}
), written AS (
    INSERT INTO audit_event (number, id, at, action, caller, key_id, address, request_id, gallery,
        identity_id, details, previous_hash, hash)
    SELECT number, CAST(:id AS uuid), at, :action, :caller, CAST(:key_id AS uuid), :address, :request_id,
        :gallery, CAST(:identity_id AS uuid), CAST(:details AS json), previous, hash
    FROM next
)
UPDATE audit_head SET number = next.number, hash = next.hash, at = next.at FROM next
RETURNING audit_head.number
"""
_APPEND = text(_STATEMENT.replace("{mode}", ""))
# The setting ends with the transaction, after its commit.
_APPEND_ASYNCHRONOUS = text(
    _STATEMENT.replace("{mode}", " WHERE set_config('synchronous_commit', 'off', true) = 'off'")
)
