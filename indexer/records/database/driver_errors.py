"""The driver's errors as Gemel's: what has happened, and what to do about it.

Once connected, PostgreSQL gives a code (SQLSTATE). While connecting, libpq gives a text and nothing else.
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
"""What a connection raises when the other side is gone."""

_LIKE_SETTINGS = (
    "look at GEMEL_DATABASE_URL; in its password write %40 for @, %2F for / and %25 for %, or leave the"
    " password out, and give it as it is in GEMEL_DATABASE_PASSWORD"
)
_MORE_CONNECTIONS = "raise PostgreSQL's max_connections, or lower GEMEL_WORKERS or GEMEL_THREADS"
_RIGHTS = (
    "have an administrator run `GRANT USAGE, CREATE ON SCHEMA public TO` this user, or make it the database's"
    " owner"
)

_BY_STATE: dict[str, tuple[type[GemelError], str]] = {
    "40P01": (Busy, "two transactions waited for each other, and this one was undone; try again"),
    "40001": (Busy, "another transaction changed the same at the same time; try again"),
    "55P03": (
        Busy,
        "another transaction holds a lock that this needs, and did not free it in time; try again",
    ),
    "57014": (Busy, "a statement took longer than it may, and was cancelled; try again"),
    "25P03": (Busy, "the transaction paused for longer than it may; try again"),
    "53200": (Busy, "PostgreSQL is out of memory; try again, or give it more"),
    "53300": (Busy, f"PostgreSQL has no connection left; {_MORE_CONNECTIONS}"),
    "53400": (Busy, "PostgreSQL is at a limit of its configuration"),
    "53100": (DatabaseFull, "PostgreSQL's disk is full; free some room. Nothing that was stored is lost"),
    "25006": (
        DatabaseReadOnly,
        "this PostgreSQL takes no changes: it is a standby, or set to read-only; name the primary in"
        " GEMEL_DATABASE_URL",
    ),
    "42501": (DatabaseAccessDenied, f"PostgreSQL denies this user the right to do this; {_RIGHTS}"),
    "3F000": (DatabaseAccessDenied, f"there is no schema that this user may use; {_RIGHTS}"),
    "28P01": (DatabaseAccessDenied, f"PostgreSQL rejects the password; {_LIKE_SETTINGS}"),
    "28000": (DatabaseAccessDenied, f"PostgreSQL does not let this user in; {_LIKE_SETTINGS}"),
    "3D000": (DatabaseAccessDenied, "there is no such database; create it with `createdb`, as its owner"),
    "42P01": (DatabaseNotMigrated, "the database has no tables yet: run `gemel migrate`"),
    "42703": (DatabaseNotMigrated, "the database lacks a column of this version: run `gemel migrate`"),
}

_SHARED_MEMORY = "could not resize shared memory segment"

_BY_TEXT: tuple[tuple[str, type[GemelError], str], ...] = (
    ("password authentication failed", *_BY_STATE["28P01"]),
    ("no password supplied", DatabaseAccessDenied, f"PostgreSQL asks for a password; {_LIKE_SETTINGS}"),
    (r'role ".*" does not exist', *_BY_STATE["28000"]),
    ("(Peer|Ident|GSSAPI|RADIUS|LDAP|PAM) authentication failed", *_BY_STATE["28000"]),
    (
        "no pg_hba.conf entry|pg_hba.conf rejects",
        DatabaseAccessDenied,
        "PostgreSQL's pg_hba.conf does not let this user in from here; have an administrator add a line",
    ),
    (r'database ".*" does not exist', *_BY_STATE["3D000"]),
    (
        "permission denied for database",
        DatabaseAccessDenied,
        "have an administrator GRANT CONNECT on it to this user",
    ),
    ("too many (clients|connections)|remaining connection slots|connection limit", *_BY_STATE["53300"]),
    (
        "could not translate host name|Name or service not known",
        DatabaseUnavailable,
        "PostgreSQL does not answer: there is no such host; look at GEMEL_DATABASE_URL",
    ),
    (
        "Connection refused|No such file or directory",
        DatabaseUnavailable,
        "PostgreSQL does not answer: nothing listens there; is it running, and are host and port right?",
    ),
    (
        "timeout expired|[Nn]o route to host|Network is unreachable",
        DatabaseUnavailable,
        "PostgreSQL does not answer: its machine cannot be reached; is the host right, and does a firewall"
        " block it?",
    ),
)


@contextmanager
def translated() -> Iterator[None]:
    """The driver's errors as Gemel's, within the block; those that have no meaning here are raised as they
    are."""
    try:
        yield
    except TimeoutError as error:
        raise Busy("all database connections are in use") from error
    except NoResultFound as error:
        raise DatabaseUnavailable(
            "PostgreSQL lacks a row that another one names, as it does while it is restored from a backup;"
            " try again"
        ) from error
    except DRIVER_ERRORS as error:  # bare: the connection broke while it was prepared
        raise as_gemel_error(error) or unavailable(error) from error
    except DBAPIError as error:
        known = as_gemel_error(error.orig)
        # A server that crashes in the middle of a query is a plain DatabaseError to psycopg2.
        lost = error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
        if known is None and not lost:
            raise
        raise known or unavailable(error.orig) from error


def as_gemel_error(error: BaseException | None) -> GemelError | None:
    """None where neither the code nor the text is known."""
    said = str(error).strip()
    if _SHARED_MEMORY in said:
        return Busy(
            f"PostgreSQL's shared memory is full; enlarge /dev/shm, in Docker with --shm-size ({_line(said)})"
        )
    state = getattr(error, "pgcode", None)
    if state is not None:
        known = _BY_STATE.get(state)
        return _made(*known, said) if known else None
    for pattern, kind, advice in _BY_TEXT:
        if re.search(pattern, said):
            return _made(kind, advice, _matching(said, pattern))
    return None


def unavailable(error: BaseException | None) -> DatabaseUnavailable:
    return DatabaseUnavailable(f"PostgreSQL does not answer: {_line(str(error)) or type(error).__name__}")


def _made(kind: Callable[[str], GemelError], advice: str, said: str) -> GemelError:
    return kind(f"{advice} ({_line(said)})")


def _line(said: str) -> str:
    lines = said.strip().splitlines()
    return re.sub(r"^(connection to server .* failed: )?(FATAL|ERROR):\s+", "", lines[0]) if lines else ""


def _matching(said: str, pattern: str) -> str:
    """Of several addresses that were tried, the one that said so."""
    return next((line for line in said.splitlines() if re.search(pattern, line)), said)
