"""Files that are written whole or not at all, files that are opened without waiting (never a FIFO or a
device), folders for this account alone, and locks between processes.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Where to write: a file beside `path` that takes its place at the end, on the disk by then.

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

    Raises OSError, also where `path` is not a regular file.
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
    """Makes `path`, and what is missing above it, with access for this account alone. Raises OSError."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def close_to_others(folder: Path) -> None:
    """A folder that an older version may have made; nothing where there is none, or it is not ours."""
    with suppress(OSError):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if mode & 0o077:
            folder.chmod(mode & 0o700)


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """No other thread or process of this machine holds the lock file `path` meanwhile.

    The file stays behind: who waits for one that is deleted and who comes next have two locks. Raises
    BlockingIOError where it is held and `wait` is false, OSError.
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
