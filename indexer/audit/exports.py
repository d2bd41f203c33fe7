"""Exports of the audit record: one JSON object a line, from which the chain can be verified elsewhere."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from indexer.errors import InvalidRequest
from indexer.records.audit import rows
from indexer.records.audit.chain import canonical_json, time_text
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.audit.rows import AuditRow, Filter
from indexer.records.database.session import Database


def export(database: Database, selected: Filter) -> Iterator[dict[str, Any]]:
    """The oldest first. That somebody exports is an event, and is recorded first."""
    details = {
        "what": "audit",
        "since": selected.since and time_text(selected.since),
        "until": selected.until and time_text(selected.until),
        "action": selected.action,
        "caller": selected.caller,
    }
    with database.transaction() as session:
        event = AuditEvent(
            action=Action.EXPORTED, gallery=selected.gallery, identity_id=selected.identity, details=details
        )
        record(session, event)
    with database.repeatable_read() as session:
        for row in rows.oldest_first(session, selected):
            yield row.as_json()


def read(path: Path) -> Iterator[AuditRow]:
    """The rows of an export. Raises OSError, InvalidRequest."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield _row(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                raise InvalidRequest(
                    f"{path}, line {number}: not an exported event ({error!r})", field="file"
                ) from error


def _row(value: dict[str, Any]) -> AuditRow:
    return AuditRow(
        number=int(value["number"]),
        id=UUID(value["id"]),
        at=datetime.fromisoformat(value["at"]),
        action=value["action"],
        caller=value["caller"],
        key_id=_uuid(value["key_id"]),
        address=value["address"],
        request_id=value["request_id"],
        gallery=value["gallery"],
        identity_id=_uuid(value["identity_id"]),
        details=canonical_json(value["details"]),
        previous_hash=bytes.fromhex(value["previous_hash"]),
        hash=bytes.fromhex(value["hash"]),
    )


def _uuid(value: str | None) -> UUID | None:
    return None if value is None else UUID(value)
