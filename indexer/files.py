"""Files that are there whole, or as they were before: what is killed in the middle leaves nothing half.
And files that are read without waiting for anybody: a FIFO or a device is no file of ours.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path


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
