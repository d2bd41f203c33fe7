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
            lock = _lock_of_left_over(folder)
            if lock is None:
                continue
            try:
                if remove(folder):
                    removed.append(folder)
            finally:
                os.close(lock)
    if removed:
        log.info("removed %d folders of Ray nodes that have ended", len(removed))
    return removed


def remove(folder: Path) -> bool:
    """Removes the folder of a node that has ended; returns whether all of it is gone. The lock file is the
    last one to go: by it the next start finds a folder whose removal was interrupted."""
    try:
        inside = [entry for entry in folder.iterdir() if entry.name != _LOCK]
        for entry in inside:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)
        if any(entry.name != _LOCK for entry in folder.iterdir()):
            return False
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True


def _lock(folder: Path) -> int:
    """Makes and locks the lock file; returns its descriptor. It gets its name after it is locked, so that no
    other process can find it unlocked."""
    aside = folder / f"{_LOCK}.new"
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    aside.rename(folder / _LOCK)
    return descriptor


def _lock_of_left_over(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock, to be closed. None for a folder that is in use or belongs to
    another account, and for one that is just being made: it has no lock file yet."""
    try:
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            return None
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor
