"""Connections and transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2
from psycopg2.extensions import connection
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from indexer.errors import Misconfigured
from indexer.records.audit.chain import append, entry
from indexer.records.audit.event import take_pending
from indexer.records.database import statistics
from indexer.records.database.driver_errors import (
    DRIVER_ERRORS,
    as_gemel_error,
    translate_errors,
    unavailable,
)
from indexer.records.database.liveness import check_on_checkout
from indexer.records.database.url import driver_url

__all__ = ["JOB_TIMEOUTS", "REQUEST_TIMEOUTS", "Database", "Session", "Timeouts", "driver_url"]

_CONNECT_ARGS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "gemel",
    # A machine that vanishes is noticed in half a minute, not in two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """PostgreSQL's lock, statement and idle-in-transaction timeouts, and the pool's. 0: no limit."""

    lock_seconds: float
    statement_seconds: float
    idle_seconds: float
    """PostgreSQL ends a transaction that is idle for so long, as of a frozen process, and frees its locks."""
    connection_seconds: float = 10.0
    """For a connection of the pool."""


REQUEST_TIMEOUTS = Timeouts(lock_seconds=5, statement_seconds=30, idle_seconds=60)
"""A client waits for the answer, and other requests for the thread."""
JOB_TIMEOUTS = Timeouts(lock_seconds=30, statement_seconds=0, idle_seconds=600)


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(
        self, url: str, *, pool_size: int = 10, timeouts: Timeouts = JOB_TIMEOUTS, audit: bool = True
    ) -> None:
        """Connects on first use. `audit`: whether events are written to the audit record.

        Raises Misconfigured.
        """
        self.pool_size = pool_size
        self.audit = audit
        self.engine = _engine(url, pool_size, timeouts)

    @property
    def connections_in_use(self) -> int:
        """Connections of the pool that threads hold right now."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

    @contextmanager
    def transaction(self, *, long: bool = False, lock_seconds: float | None = None) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back if it raises. The events that the
        block has recorded are written last (`records.audit`).

        `long`: no statement timeout, as for deleting a million rows. The lock timeout stays.
        `lock_seconds`: another lock timeout, for what may as well be left undone.
        """
        with translate_errors(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            if long:
                session.execute(_LONG)
            if lock_seconds is not None:
                session.execute(text(f"SET LOCAL lock_timeout = {round(1000 * lock_seconds)}"))
            yield session
            events = take_pending(session)
            if events and self.audit:
                append(session, [entry(event) for event in events])

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Statements without a common transaction: each sees what was committed before it."""
        with translate_errors(), Session(self.engine, expire_on_commit=False) as session:
            # SQLAlchemy's isolation level AUTOCOMMIT would send a SET whenever the connection is returned.
            driven: connection = session.connection().connection.driver_connection  # type: ignore[assignment]
            driven.autocommit = True
            yield session

    @contextmanager
    def repeatable_read(self, *, idle_seconds: float = 0) -> Iterator[Session]:
        """Statements that all see the database in one state (REPEATABLE READ), as to read a whole
        gallery. No statement timeout.

        `idle_seconds`: PostgreSQL ends the transaction after so long between two statements; 0: never.
        """
        with self.reading() as session:
            statistics.refresh_if_stale(session)
        with translate_errors(), Session(self.engine, expire_on_commit=False) as session:
            session.execute(_REPEATABLE_READ)
            session.execute(_LONG)
            if idle_seconds:
                session.execute(_IDLE, {"limit": str(round(1000 * idle_seconds))})
            yield session

    def check(self) -> None:
        """Raises DatabaseUnavailable, DatabaseNotMigrated."""
        with self.reading() as session:
            session.execute(text("SELECT 1 FROM gallery LIMIT 1"))

    def check_connection_limit(self, connections: int) -> None:
        """Raises Misconfigured if PostgreSQL allows fewer connections, DatabaseUnavailable."""
        with self.reading() as session:
            allowed = session.scalar(_ALLOWED_CONNECTIONS)
        if allowed is not None and connections > allowed:
            raise Misconfigured(
                f"up to {connections} connections are needed, and PostgreSQL allows {allowed}: lower"
                " GEMEL_WORKERS or GEMEL_THREADS, or raise max_connections",
                measured=connections,
                limit=allowed,
            )

    def listen(self, channel: str) -> connection:
        """A connection outside of the pool that listens to `channel`. Raises DatabaseUnavailable."""
        arguments, options = self.engine.dialect.create_connect_args(self.engine.url)
        try:
            listening: connection = psycopg2.connect(*arguments, **{**options, **_CONNECT_ARGS})
            listening.autocommit = True
            with listening.cursor() as cursor:
                cursor.execute(f"LISTEN {channel}")
        except DRIVER_ERRORS as error:
            raise as_gemel_error(error) or unavailable(error) from error
        return listening

    def close(self) -> None:
        self.engine.dispose()


_REPEATABLE_READ = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
_LONG = text("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0")
_IDLE = text("SELECT set_config('idle_in_transaction_session_timeout', :limit, true)")
_ALLOWED_CONNECTIONS = text(
    "SELECT least("
    " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    " - coalesce(current_setting('reserved_connections', true), '0')::int,"
    " (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),"
    " (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database()))"
)


def _engine(url: str, pool_size: int, timeouts: Timeouts) -> Engine:
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=timeouts.connection_seconds,
        connect_args=_CONNECT_ARGS,
    )
    limits = {
        "lock_timeout": timeouts.lock_seconds,
        "statement_timeout": timeouts.statement_seconds,
        "idle_in_transaction_session_timeout": timeouts.idle_seconds,
    }
    statement = "; ".join(f"SET {name} = {round(1000 * seconds)}" for name, seconds in limits.items())

    def set_timeouts(new: connection, _: object) -> None:
        new.autocommit = True  # or the settings would end with the transaction
        with new.cursor() as cursor:
            cursor.execute(statement)
        new.autocommit = False

    def end_autocommit(returned: connection | None, _: object) -> None:
        if returned is not None and not returned.closed:
            returned.autocommit = False

    event.listen(engine, "connect", set_timeouts)
    event.listen(engine, "checkin", end_autocommit)
    check_on_checkout(engine)
    return engine
