"""Who starts, stops and uses the server of a home, as locks on files.

The kernel drops a lock when its process ends, however it ends: nobody has to be counted.
"""

import contextlib
import fcntl
import logging
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

SAY_SECONDS = 10.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def exclusive(path: Path, *, most_seconds: float = math.inf) -> Iterator[None]:
    """While one process starts or stops the server, the others wait. Raises TimeoutError."""
    file = _open(path)
    try:
        _wait(file, most_seconds)
        yield
    finally:
        os.close(file)


class Usage:
    """This process's use of the server. It is begun and ended only by a process that is `alone`."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def end(self) -> bool:
        """Whether nobody else uses it."""
        fcntl.flock(self._file, fcntl.LOCK_UN)  # a forked process has the same lock, and must not keep it
        try:
            return _taken(self._file, fcntl.LOCK_EX)
        finally:
            os.close(self._file)


def lock_for_server(path: Path, *, most_seconds: float) -> int:
    """A file descriptor with a lock for a server to inherit. It has the lock for as long as one of
    its processes lives, here or in another container. Raises TimeoutError where one goes on living."""
    file = _open(path)
    try:
        _wait(file, most_seconds)
    except BaseException:
        os.close(file)
        raise
    return file


def _wait(file: int, most_seconds: float) -> None:
    """Until the lock is this process's. Raises TimeoutError."""
    began = time.monotonic()
    say_at = began + SAY_SECONDS
    while not _taken(file, fcntl.LOCK_EX):
        if time.monotonic() > began + most_seconds:
            raise TimeoutError
        if time.monotonic() > say_at:
            log.warning("another process is starting or stopping the embedded PostgreSQL: waiting for it")
            say_at = time.monotonic() + SAY_SECONDS
        time.sleep(_POLL_SECONDS)


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(PermissionError):  # another account's
        os.fchmod(file, 0o600)  # older versions let everybody read it, and so take the lock
    return file


def _taken(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
