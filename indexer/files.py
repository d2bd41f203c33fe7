"""Files that are there whole, or as they were before: what is killed in the middle leaves nothing half."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
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
