"""Connections and transactions, and the one border where the driver's errors become Gemel's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
from psycopg2.extensions import connection
from sqlalchemy import Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError, TimeoutError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from indexer.errors import Busy, DatabaseNotMigrated, DatabaseUnavailable, Misconfigured

__all__ = ["Database", "Session", "driver_url"]

DRIVER_ERRORS = (psycopg2.DatabaseError, psycopg2.InterfaceError)
"""What a connection raises when the other side is gone."""

_UNDEFINED_TABLE = "42P01"
_CONNECT_ARGS: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "gemel",
    # A machine that vanishes without a word is noticed in half a minute, not in two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Database:
    """A pool of connections to one PostgreSQL."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.pool_size = pool_size
        self.engine = _engine(url, pool_size)
        self._autocommit = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._repeatable = self.engine.execution_options(isolation_level="REPEATABLE READ")

    @property
    def connections_in_use(self) -> int:
        """Of the pool's, by threads of this process."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with _translated(), Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Single statements, each of which sees what was committed before it."""
        with _translated(), Session(self._autocommit, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Several statements that see the same state of the database."""
        with _translated(), Session(self._repeatable, expire_on_commit=False) as session:
            yield session

    def check(self) -> None:
        """Raises DatabaseUnavailable, DatabaseNotMigrated."""
        with self.reading() as session:
            session.execute(text("SELECT 1 FROM gallery LIMIT 1"))

    def listening(self, channel: str) -> connection:
        """A connection outside of the pool that hears notices of `channel`. Raises DatabaseUnavailable."""
        url = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            listening: connection = psycopg2.connect(url, **_CONNECT_ARGS)
            listening.autocommit = True
            with listening.cursor() as cursor:
                cursor.execute(f"LISTEN {channel}")
        except DRIVER_ERRORS as error:
            raise _unavailable(error) from error
        return listening

    def close(self) -> None:
        self.engine.dispose()


def driver_url(url: str) -> str:
    """`url` with the one driver that is used here; `postgres://` is understood too.

    Raises Misconfigured.
    """
    try:
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except Exception as error:
        raise Misconfigured("GEMEL_DATABASE_URL is not a database URL") from error
    if parsed.get_backend_name() != "postgresql":
        raise Misconfigured(f"GEMEL_DATABASE_URL must name a PostgreSQL, not {parsed.drivername}")
    return parsed.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def _engine(url: str, pool_size: int) -> Engine:
    return create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10.0,
        pool_pre_ping=True,
        connect_args=_CONNECT_ARGS,
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise Busy("all database connections are in use") from error
    except ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) == _UNDEFINED_TABLE:
            raise DatabaseNotMigrated("the database has no tables yet: run `gemel migrate`") from error
        raise
    except DRIVER_ERRORS as error:  # bare: the connection broke while it was prepared
        raise _unavailable(error) from error
    except DBAPIError as error:
        # A server that crashes in the middle of a query is a plain DatabaseError to psycopg2.
        if not (error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))):
            raise
        raise _unavailable(error.orig) from error


def _unavailable(error: BaseException | None) -> DatabaseUnavailable:
    first_line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return DatabaseUnavailable(f"PostgreSQL does not answer: {first_line}")
