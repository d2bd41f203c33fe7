"""The folders of Ray's sockets and logs, one for each node, in the machine's folder for temporary files.

A node's process holds a lock on its folder. The kernel frees the lock however that process ends, also after
kill -9. So the next start of a node knows which folders are left over.
"""

import fcntl
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path

log = logging.getLogger(__name__)

PREFIX = "gemel-ray-"
SHORT_PARENT = Path("/tmp")  # noqa: S108 - `mkdtemp` makes a private folder in it
_LOCK = "lock"
_SOCKETS = len("/r/session_2026-01-01_00-00-00_000000_0000000/sockets/plasma_store.1")
LONGEST_SOCKET = 107
"""Bytes of the path of a Unix socket."""


def make() -> tuple[Path, int]:
    """Returns a new folder, and a file descriptor that holds its lock: the folder is in use until every
    process that has the descriptor has closed it or ended. Ray opens an inner folder to all accounts, not
    this one.

    Raises OSError.
    """
    for parent in (None, SHORT_PARENT):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
        if len(str(folder)) + _SOCKETS <= LONGEST_SOCKET:
            break
        folder.rmdir()
    return folder, _lock(folder)


def remove_left_over() -> list[Path]:
    """Removes this account's folders whose processes are gone, as after a loss of power, and returns them."""
    removed = []
    for parent in {Path(tempfile.gettempdir()), SHORT_PARENT}:
        for folder in parent.glob(f"{PREFIX}*"):
            if _is_left_over(folder):
                shutil.rmtree(folder, ignore_errors=True)
                removed.append(folder)
    if removed:
        log.info("removed %d folders of Ray nodes that have ended", len(removed))
    return removed


def _lock(folder: Path) -> int:
    """Makes and locks the lock file; returns its descriptor. It gets its name after it is locked, so that no
    other process can find it unlocked."""
    aside = folder / f"{_LOCK}.new"
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    aside.rename(folder / _LOCK)
    return descriptor


def _is_left_over(folder: Path) -> bool:
    """False for a folder of another account, and for one that is just being made: it has no lock file yet."""
    try:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return False
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
