"""The embedded PostgreSQL, used unless GEMEL_DATABASE_URL is set. All processes of a GEMEL_HOME share it."""

import atexit
import threading
from pathlib import Path

from indexer.errors import Misconfigured
from indexer.records.database.url import with_password
from indexer.records.embedded.binaries import folder as programs
from indexer.records.embedded.server import Server
from indexer.settings import Settings

__all__ = ["database_url", "programs", "start", "stop"]


def database_url(settings: Settings) -> str:
    """The URL of the configured database; starts the embedded PostgreSQL if none is configured.

    Raises DatabaseUnavailable, DatabaseFull, Misconfigured.
    """
    if settings.database_url is None:
        return start(settings.home)
    password = settings.database_password
    return with_password(settings.database_url, None if password is None else password.get_secret_value())


def start(home: Path) -> str:
    """Starts the server of `home`, or joins the running one. Returns the URL of its database.

    The server stops with the last process that uses it. If it is killed before, its users restart it.
    Raises DatabaseUnavailable, DatabaseFull, Misconfigured.
    """
    home = _resolved(home)
    with _lock:
        if home not in _joined:
            _joined[home] = Server(home)
        return _joined[home].url


def stop(home: Path) -> None:
    """Leaves the server of `home` before the process ends. The last process to leave stops the server."""
    with _lock:
        server = _joined.pop(_resolved(home), None)
    if server is not None:
        server.leave()


_lock = threading.Lock()
_joined: dict[Path, Server] = {}
"""By home: the servers that this process uses."""


@atexit.register
def _leave_all() -> None:
    for home in list(_joined):
        stop(home)


def _resolved(home: Path) -> Path:
    """Raises Misconfigured."""
    if any(ord(character) < 32 or ord(character) == 127 for character in str(home)):
        raise Misconfigured(f"GEMEL_HOME contains a control character: {str(home)!r}")
    try:
        return home.expanduser().resolve()
    except RuntimeError:
        raise Misconfigured(
            f"cannot resolve {home}: this account has no home folder; set GEMEL_HOME"
        ) from None
