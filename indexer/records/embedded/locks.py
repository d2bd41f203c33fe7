"""File locks that say which processes start, stop and use the server of a home.

The kernel releases a lock when its process ends, however it ends: no user has to be counted.
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

LOG_INTERVAL_SECONDS = 10.0
_POLL_SECONDS = 0.02


@contextlib.contextmanager
def exclusive(path: Path, *, timeout_seconds: float = math.inf) -> Iterator[None]:
    """Held by the one process that starts or stops the server; others wait. Raises TimeoutError."""
    file = _open(path)
    try:
        _acquire(file, timeout_seconds)
        yield
    finally:
        os.close(file)


class Usage:
    """This process's use of the server. It begins and ends only while the process holds `exclusive`."""

    def __init__(self, path: Path) -> None:
        self._file = _open(path)
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def end(self) -> bool:
        """Whether no other process uses the server."""
        fcntl.flock(self._file, fcntl.LOCK_UN)  # forked processes share this lock, and must not keep it
        try:
            return _try_lock(self._file, fcntl.LOCK_EX)
        finally:
            os.close(self._file)


def lock_for_server(path: Path, *, timeout_seconds: float) -> int:
    """A file descriptor with a lock, which a server inherits and holds while one of its processes lives, here
    or in another container. Raises TimeoutError if another server keeps it."""
    file = _open(path)
    try:
        _acquire(file, timeout_seconds)
    except BaseException:
        os.close(file)
        raise
    return file


def _acquire(file: int, timeout_seconds: float) -> None:
    """Raises TimeoutError."""
    began = time.monotonic()
    log_at = began + LOG_INTERVAL_SECONDS
    while not _try_lock(file, fcntl.LOCK_EX):
        if time.monotonic() > began + timeout_seconds:
            raise TimeoutError
        if time.monotonic() > log_at:
            log.warning("waiting for another process that is starting or stopping the embedded PostgreSQL")
            log_at = time.monotonic() + LOG_INTERVAL_SECONDS
        time.sleep(_POLL_SECONDS)


def _open(path: Path) -> int:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with contextlib.suppress(PermissionError):  # the file of another account
        os.fchmod(file, 0o600)  # older versions made it readable for everybody, who could then lock it
    return file


def _try_lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
