"""The PostgreSQL that comes with Gemel, for those who name no other. Shared by all processes of a home."""

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
    """Of the named PostgreSQL, or of the embedded one, which is started.

    Raises DatabaseUnavailable, DatabaseFull, Misconfigured.
    """
    if settings.database_url is None:
        return start(settings.home)
    password = settings.database_password
    return with_password(settings.database_url, None if password is None else password.get_secret_value())


def start(home: Path) -> str:
    """Starts the server of `home`, or joins the one that runs; the URL of its database.

    It stops with the last process that uses it, and is started again where it was killed before that.
    Raises DatabaseUnavailable, DatabaseFull, Misconfigured.
    """
    home = _resolved(home)
    with _lock:
        if home not in _joined:
            _joined[home] = Server(home)
        return _joined[home].url


def stop(home: Path) -> None:
    """Leaves the server of `home` before the process ends; the last one to leave stops it."""
    with _lock:
        server = _joined.pop(_resolved(home), None)
    if server is not None:
        server.leave()


_lock = threading.Lock()
_joined: dict[Path, Server] = {}
"""By home: what this process uses already."""


@atexit.register
def _leave_all() -> None:
    for home in list(_joined):
        stop(home)


def _resolved(home: Path) -> Path:
    """Raises Misconfigured."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in str(home)):
        raise Misconfigured(f"GEMEL_HOME has a control character in it: {str(home)!r}")
    try:
        return home.expanduser().resolve()
    except RuntimeError:
        raise Misconfigured(f"this account has no home folder for {home}: set GEMEL_HOME") from None
