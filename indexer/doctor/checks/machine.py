"""This machine: free disk space, and memory."""

import shutil
from collections.abc import Iterator

from indexer import memory
from indexer.doctor.finding import Finding, ok
from indexer.settings import Settings

DISK, MEMORY = "disk", "memory"
FEW_BYTES, VERY_FEW_BYTES = 2 * 10**9, 200 * 10**6
FEW_MEMORY_BYTES = 300 * 10**6


def check_disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.home.expanduser()
    while not folder.exists():  # before the first start
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    free = f"{_size(usage.free)} of {_size(usage.total)} are free on the disk of {folder}"
    if usage.free >= FEW_BYTES:
        yield ok(DISK, f"{free}.")
        return
    what = "the indexes" if settings.database_url else "the embedded PostgreSQL and the indexes"
    yield Finding(
        check=DISK,
        level="problem" if usage.free < VERY_FEW_BYTES else "warning",
        code="disk_space_low",
        text=f"Only {free}, which {what} need.",
        advice="Free space or enlarge the disk; `gemel index prune` removes old snapshots and changes.",
    )


def check_memory() -> Iterator[Finding]:
    """Of the machine and of the control group, such as a container's."""
    available = memory.available_bytes()
    if available >= FEW_MEMORY_BYTES:
        yield ok(MEMORY, f"{_size(available)} of memory are available.")
        return
    yield Finding(
        check=MEMORY,
        level="warning",
        code="memory_low",
        text=f"Only {_size(available)} of memory are available; the kernel may kill a process.",
        advice="Give the machine or the container more memory, or lower GEMEL_WORKERS, GEMEL_THREADS or"
        " GEMEL_INDEX_MEMORY_MB.",
    )


def _size(count: float) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.0f} MB"
