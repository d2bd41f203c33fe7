"""The condition of the PostgreSQL server: version, settings, connections, clock."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    version: str
    """Such as `18.1`."""
    major: int
    is_standby: bool
    unsafe: list[str]
    """Settings with which a crash may lose committed transactions or damage the data."""
    autovacuum: bool
    connections: int
    """Of clients, in all databases."""
    allowed_connections: int
    """For a role without special rights."""
    oldest_transaction_seconds: float
    """Of this database, as far as this role may see it. 0: there is none."""
    size_bytes: int
    """Of this database."""
    now: datetime


def limit_statements(session: Session, seconds: float) -> None:
    """Until the transaction ends."""
    session.execute(text(f"SET LOCAL statement_timeout = {round(1000 * seconds)}"))


def read(session: Session) -> Condition:
    row = session.execute(_CONDITION).one()
    return Condition(
        version=row.version.split()[0],
        major=row.version_number // 10_000,
        is_standby=row.is_standby,
        unsafe=[
            name for name in ("fsync", "full_page_writes", "synchronous_commit") if not getattr(row, name)
        ],
        autovacuum=row.autovacuum,
        connections=row.connections,
        allowed_connections=row.allowed_connections,
        oldest_transaction_seconds=float(row.oldest_transaction_seconds),
        size_bytes=row.size_bytes,
        now=row.now,
    )


_CONDITION = text("""
    SELECT current_setting('server_version') AS version,
           current_setting('server_version_num')::int AS version_number,
           pg_is_in_recovery() AS is_standby,
           current_setting('fsync')::bool AS fsync,
           current_setting('full_page_writes')::bool AS full_page_writes,
           current_setting('synchronous_commit') <> 'off' AS synchronous_commit,
           current_setting('autovacuum')::bool AS autovacuum,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - coalesce(current_setting('reserved_connections', true), '0')::int AS allowed_connections,
           (SELECT coalesce(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
            WHERE datname = current_database() AND xact_start IS NOT NULL
              AND backend_type = 'client backend') AS oldest_transaction_seconds,
           pg_database_size(current_database()) AS size_bytes,
           clock_timestamp() AS now
""")
