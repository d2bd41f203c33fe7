"""Replaces connections that died while they were in the pool.

A query before each use (SQLAlchemy's `pool_pre_ping`) would cost every request a round trip. When PostgreSQL
ends a connection, its socket becomes readable, and the kernel says so at once. The query is therefore sent
only if there is something to read, or if the connection was not used for a second, because a machine that
vanished sends nothing.
"""

import select
import time

from psycopg2.extensions import connection
from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from indexer.records.database.driver_errors import DRIVER_ERRORS

IDLE_SECONDS = 1.0
_USED_AT = "used_at"


def check_on_checkout(engine: Engine) -> None:
    """A dead connection is replaced by a new one, as are all that are as old: PostgreSQL was restarted."""

    def check_in(_: connection, entry: ConnectionPoolEntry) -> None:
        entry.info[_USED_AT] = time.monotonic()

    def check_out(pooled: connection, entry: ConnectionPoolEntry, _: object) -> None:
        used_at = entry.info.get(_USED_AT)
        if used_at is None:  # a new connection
            return
        try:
            if time.monotonic() - used_at > IDLE_SECONDS or _has_input(pooled):
                engine.dialect.do_ping(pooled)  # type: ignore[arg-type]
        except DRIVER_ERRORS as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkin", check_in)
    event.listen(engine, "checkout", check_out)


def _has_input(pooled: connection) -> bool:
    """Whether the server has sent something, or ended the connection."""
    poll = select.poll()
    poll.register(pooled.fileno(), select.POLLIN)
    return bool(poll.poll(0))
