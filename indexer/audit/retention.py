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
    with database.transaction(long=True) as session:
        head = partitions.lock_head(session)
        this_month = head.at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        if before > this_month:
            raise InvalidRequest(
                f"the month before {before:%Y-%m} has not ended: prune before {this_month:%Y-%m} or earlier",
                field="before",
            )
        partitions.make_ahead(session.connection())
        dropped = partitions.before(session, before)
        start = rows.start(session)
        last = rows.last_before(session, before)
        if last is not None:
            details = {
                "before": f"{before:%Y-%m}",
                "first_number": start.number + 1,
                "last_number": last.number,
                "last_hash": last.hash.hex(),
            }
            record(session, AuditEvent(action=Action.AUDIT_PRUNED, details=details))
        probes.delete_before(session, before)
        for name in dropped:
            partitions.drop(session, name)
    return PruneResult(
        months=[partitions.month_text(name) for name in dropped],
        rows=0 if last is None else last.number - start.number,
        last_number=None if last is None else last.number,
    )
