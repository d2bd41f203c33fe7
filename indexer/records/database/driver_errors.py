"""Translates the driver's errors to Gemel's, which say what happened and what to do about it.

Once connected, PostgreSQL sends a code (SQLSTATE). While connecting, libpq gives only a text.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg2
from sqlalchemy.exc import DBAPIError, InterfaceError, NoResultFound, OperationalError, TimeoutError

from indexer.errors import (
    Busy,
    DatabaseAccessDenied,
    DatabaseFull,
    DatabaseNotMigrated,
    DatabaseReadOnly,
    DatabaseUnavailable,
    GemelError,
)

DRIVER_ERRORS = (psycopg2.DatabaseError, psycopg2.InterfaceError)
"""Raised by a connection whose server is gone."""

_CHECK_URL = (
    "check GEMEL_DATABASE_URL; in its password write %40 for @, %2F for / and %25 for %, or leave the"
    " password out, and set GEMEL_DATABASE_PASSWORD, which needs no encoding"
)
_MORE_CONNECTIONS = "raise PostgreSQL's max_connections, or lower GEMEL_WORKERS or GEMEL_THREADS"
_RIGHTS = (
    "let an administrator run `GRANT USAGE, CREATE ON SCHEMA public TO` this user, or make the user the"
    " database's owner"
)

_BY_STATE: dict[str, tuple[type[GemelError], str]] = {
    "40P01": (Busy, "a deadlock: PostgreSQL rolled this transaction back; try again"),
    "40001": (Busy, "another transaction changed the same rows at the same time; try again"),
    "55P03": (
        Busy,
        "another transaction holds a lock that this one needs, and did not release it in time; try again",
    ),
    "57014": (Busy, "a statement ran longer than its timeout, and was cancelled; try again"),
    "25P03": (Busy, "the transaction was idle longer than its timeout; try again"),
    "53200": (Busy, "PostgreSQL is out of memory; try again, or give it more memory"),
    "53300": (Busy, f"PostgreSQL has no connection left; {_MORE_CONNECTIONS}"),
    "53400": (Busy, "PostgreSQL has reached a limit of its configuration"),
    "53100": (DatabaseFull, "PostgreSQL's disk is full; free some space. No stored data is lost"),
    "25006": (
        DatabaseReadOnly,
        "this PostgreSQL is read-only: it is a standby, or is configured so; name the primary in"
        " GEMEL_DATABASE_URL",
    ),
    "42501": (DatabaseAccessDenied, f"PostgreSQL denies this user the permission; {_RIGHTS}"),
    "3F000": (DatabaseAccessDenied, f"this user may use no schema; {_RIGHTS}"),
    "28P01": (DatabaseAccessDenied, f"PostgreSQL rejects the password; {_CHECK_URL}"),
    "28000": (DatabaseAccessDenied, f"PostgreSQL rejects this user; {_CHECK_URL}"),
    "3D000": (DatabaseAccessDenied, "this database does not exist; create it with `createdb`, as its owner"),
    "42P01": (DatabaseNotMigrated, "the database has no tables yet: run `gemel migrate`"),
    "42703": (DatabaseNotMigrated, "the database lacks a column of this version: run `gemel migrate`"),
}

_UNLOGGED = "unlogged relations during recovery"
"""A standby has no content of such tables. The SQLSTATE is that of everything unsupported."""
_SHARED_MEMORY = "could not resize shared memory segment"

_BY_TEXT: tuple[tuple[str, type[GemelError], str], ...] = (
    ("password authentication failed", *_BY_STATE["28P01"]),
    ("no password supplied", DatabaseAccessDenied, f"PostgreSQL asks for a password; {_CHECK_URL}"),
    (r'role ".*" does not exist', *_BY_STATE["28000"]),
    ("(Peer|Ident|GSSAPI|RADIUS|LDAP|PAM) authentication failed", *_BY_STATE["28000"]),
    (
        "no pg_hba.conf entry|pg_hba.conf rejects",
        DatabaseAccessDenied,
        "PostgreSQL's pg_hba.conf rejects this user from this host; let an administrator add a line to it",
    ),
    (r'database ".*" does not exist', *_BY_STATE["3D000"]),
    (
        "permission denied for database",
        DatabaseAccessDenied,
        "let an administrator GRANT CONNECT on the database to this user",
    ),
    ("too many (clients|connections)|remaining connection slots|connection limit", *_BY_STATE["53300"]),
    (
        "could not translate host name|Name or service not known",
        DatabaseUnavailable,
        "PostgreSQL does not answer: the host does not exist; check GEMEL_DATABASE_URL",
    ),
    (
        "Connection refused|No such file or directory",
        DatabaseUnavailable,
        "PostgreSQL does not answer: nothing listens on this host and port; are they right, and does"
        " PostgreSQL run?",
    ),
    (
        "timeout expired|[Nn]o route to host|Network is unreachable",
        DatabaseUnavailable,
        "PostgreSQL does not answer: its host cannot be reached; is the host right, and does a firewall block"
        " it?",
    ),
)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translates the driver's errors that the block raises. Unknown ones pass unchanged."""
    try:
        yield
    except TimeoutError as error:
        raise Busy("all database connections are in use") from error
    except NoResultFound as error:
        raise DatabaseUnavailable(
            "PostgreSQL lacks a row that another row refers to, as while a backup is being restored;"
            " try again"
        ) from error
    except DRIVER_ERRORS as error:  # not wrapped by SQLAlchemy: the connection broke while it was set up
        raise as_gemel_error(error) or unavailable(error) from error
    except DBAPIError as error:
        known = as_gemel_error(error.orig)
        # When a server crashes during a query, psycopg2 raises a plain DatabaseError.
        lost = error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
        if known is None and not lost:
            raise
        raise known or unavailable(error.orig) from error


def as_gemel_error(error: BaseException | None) -> GemelError | None:
    """None if neither the code nor the text is known."""
    message = str(error).strip()
    if _SHARED_MEMORY in message:
        return Busy(
            "PostgreSQL's shared memory is full; enlarge /dev/shm, in Docker with --shm-size"
            f" ({_first_line(message)})"
        )
    if _UNLOGGED in message:
        return _build(*_BY_STATE["25006"], message)
    state = getattr(error, "pgcode", None)
    if state is not None:
        known = _BY_STATE.get(state)
        return _build(*known, message) if known else None
    for pattern, kind, advice in _BY_TEXT:
        if re.search(pattern, message):
            return _build(kind, advice, _matching_line(message, pattern))
    return None


def unavailable(error: BaseException | None) -> DatabaseUnavailable:
    return DatabaseUnavailable(
        f"PostgreSQL does not answer: {_first_line(str(error)) or type(error).__name__}"
    )


def _build(kind: Callable[[str], GemelError], advice: str, message: str) -> GemelError:
    return kind(f"{advice} ({_first_line(message)})")


def _first_line(message: str) -> str:
    lines = message.strip().splitlines()
    return re.sub(r"^(connection to server .* failed: )?(FATAL|ERROR):\s+", "", lines[0]) if lines else ""


def _matching_line(message: str, pattern: str) -> str:
    """libpq writes a line for each address that it tried."""
    return next((line for line in message.splitlines() if re.search(pattern, line)), message)
