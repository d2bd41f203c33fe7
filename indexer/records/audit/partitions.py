"""Partitions of the audit record: one a month, made ahead.

A row of a month that has no partition goes into the default partition, and moves when the month gets its own.
"""

import re
from datetime import UTC, datetime

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from indexer.records.database.session import Database

PREFIX = "audit_event_"
MONTHS_AHEAD = 3
EVERY_SECONDS = 86_400.0
"""A server that runs for months makes them too, where its role may."""
_MONTHLY = re.compile(PREFIX + r"\d{4}_\d{2}")


def make_ahead(connection: Connection) -> list[str]:
    """Makes the partitions of this month, of the next three, and of the months of rows that have none; their
    names. Makes none where the role does not own the table: its owner makes them by `gemel migrate`.
    """
    if not connection.scalar(_MAY_CREATE):
        return []
    connection.execute(_LOCK_TABLE)
    months = _months(connection)
    existing = set(connection.scalars(_PARTITIONS))
    new = [month for month in months if name_of(month) not in existing]
    if new:
        connection.execute(_LOCK_HEAD)
    for month in new:
        _make(connection, month)
    return [name_of(month) for month in new]


def ensure(database: Database) -> None:
    """Makes them in a transaction of its own. Raises DatabaseUnavailable, Busy."""
    with database.transaction() as session:
        make_ahead(session.connection())


def lock_to_drop(session: Session) -> None:
    """Nobody reads or appends until the transaction ends. Raises Busy, where a reader takes long."""
    session.execute(_LOCK_TABLE_TO_DROP)
    session.execute(_LOCK_HEAD)


def before(session: Session, month: datetime) -> list[str]:
    """The partitions of all months before it, the oldest first."""
    names = session.scalars(_PARTITIONS)
    return sorted(name for name in names if _MONTHLY.fullmatch(name) and name < name_of(month))


def drop(session: Session, name: str) -> None:
    assert _MONTHLY.fullmatch(name), name
    session.execute(text(f"DROP TABLE {name}"))


def month_text(name: str) -> str:
    """Such as `2026-01`."""
    return name.removeprefix(PREFIX).replace("_", "-")


def name_of(month: datetime) -> str:
    return f"{PREFIX}{month:%Y_%m}"


def month_after(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _months(connection: Connection) -> list[datetime]:
    rows = connection.scalars(_MONTHS, {"ahead": MONTHS_AHEAD})
    return sorted(month.replace(tzinfo=UTC) for month in rows)


def _make(connection: Connection, month: datetime) -> None:
    """Attached, not created in place: that would lock the whole record against readers."""
    name = name_of(month)
    start, end = f"{month:%Y-%m-%d} 00:00+00", f"{month_after(month):%Y-%m-%d} 00:00+00"
    for statement in (
        f"CREATE TABLE {name} (LIKE audit_event INCLUDING ALL)",
        f"WITH moved AS (DELETE FROM {PREFIX}default"  # noqa: S608
        f" WHERE at >= '{start}' AND at < '{end}' RETURNING *)"
        f" INSERT INTO {name} SELECT * FROM moved",
        f"ALTER TABLE audit_event ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')",
    ):
        connection.execute(text(statement))


_MAY_CREATE = text(
    "SELECT pg_has_role(relowner, 'USAGE') AND has_schema_privilege(relnamespace, 'CREATE')"
    " AND NOT pg_is_in_recovery() FROM pg_class WHERE oid = to_regclass('audit_event')"
)
# Those who append lock the table before the head: the other order would be a deadlock. One process at a time
# makes partitions. A long reader makes this fail, not wait.
_LOCK_TABLE, _LOCK_TABLE_TO_DROP = (
    text(f"SET LOCAL lock_timeout = '2s'; LOCK TABLE ONLY audit_event IN {mode} MODE")
    for mode in ("SHARE UPDATE EXCLUSIVE", "ACCESS EXCLUSIVE")
)
# Nobody appends while rows move out of the default partition.
_LOCK_HEAD = text("SELECT FROM audit_head FOR UPDATE")
_PARTITIONS = text(
    "SELECT relname FROM pg_class JOIN pg_inherits ON oid = inhrelid"
    " WHERE inhparent = 'audit_event'::regclass"
)
_MONTHS = text(
    "SELECT date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month'"
    " FROM generate_series(0, :ahead) AS n"
    " UNION SELECT DISTINCT date_trunc('month', at AT TIME ZONE 'UTC') FROM audit_event_default"
)
