"""Drops old months of the audit record. An event keeps the hash of the last row that was dropped."""

from dataclasses import dataclass
from datetime import UTC, datetime

from indexer.errors import InvalidRequest
from indexer.records.audit import partitions, probes, rows
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneResult:
    months: list[str]
    """Such as `2026-01`."""
    rows: int
    last_number: int | None
    """Of the last row that was dropped; None where there was none."""


def month_of(text: str) -> datetime:
    """The first moment of a month `2026-01`, in UTC. Raises InvalidRequest."""
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        raise InvalidRequest(f"{text!r} is not a month, such as 2026-01", field="before") from None


def prune(database: Database, before: datetime) -> PruneResult:
    """Drops the partitions of all months before `before`, the first moment of a month, and records an event
    with the number and the hash of the last dropped row. The crops that were kept of their searches go too.

    Raises InvalidRequest (a month that has not ended), DatabaseAccessDenied (the table has another owner).
    """
    with database.reading() as session:
        at = rows.head(session).at
    this_month = at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if before > this_month:
        raise InvalidRequest(
            f"the month before {before:%Y-%m} has not ended: prune before {this_month:%Y-%m} or earlier",
            field="before",
        )
    with database.transaction(long=True) as session:
        partitions.lock_to_drop(session)
        partitions.make_ahead(session.connection())
        dropped = partitions.before(session, before)
        first = rows.first_number(session)
        last = rows.last_before(session, before)
        dropped_rows = 0
        if first is not None and last is not None:
            dropped_rows = last.number - first + 1
            details = {
                "before": f"{before:%Y-%m}",
                "first_number": first,
                "last_number": last.number,
                "last_hash": last.hash.hex(),
            }
            record(session, AuditEvent(action=Action.AUDIT_PRUNED, details=details))
        for name in dropped:
            partitions.drop(session, name)
    # There may be millions: no search waits for them. Those that a crash leaves are deleted by the next call.
    with database.transaction(long=True) as session:
        probes.delete_before(session, before)
    return PruneResult(
        months=[partitions.month_text(name) for name in dropped],
        rows=dropped_rows,
        last_number=None if last is None else last.number,
    )
