"""Atomic writes, regular files only (never a FIFO or a device), private folders, locks between processes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yields a file beside `path` to write to. At the end it is synced and replaces `path`.

    For one writer at a time. Raises OSError.
    """
    aside = path.with_name(path.name + ".aside")
    try:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def open_regular(path: Path) -> BufferedReader:
    """For reading. Never waits, as opening a FIFO without a writer would.

    Raises OSError, also if `path` is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def private_folder(path: Path) -> None:
    """Makes `path` and its missing parents, with access for this account alone. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def close_to_others(folder: Path) -> None:
    """Closes a folder that an older version may have left open to others. Skips a missing or foreign one."""
    with suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & 0o077:
            folder.chmod(mode & 0o700)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Holds the lock file `path`, which no other thread or process of this machine holds meanwhile.

    The file is not deleted: a waiter for the deleted file and the next caller would hold two locks. Raises
    BlockingIOError if it is held and `wait` is false, OSError.
    """
    private_folder(path.parent)
    lock = FileLock(path, mode=0o600)
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        raise BlockingIOError(f"{path} is held by another process") from None
    try:
        yield
    finally:
        lock.release()


def reason(error: Exception) -> str:
    """Why a file could not be read, for a message that names the file itself."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
