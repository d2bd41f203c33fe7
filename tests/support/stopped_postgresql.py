"""A PostgreSQL that hangs."""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil


@contextlib.contextmanager
def stopped_postgresql(folder: Path) -> Iterator[None]:
    """Its processes are there, and do nothing. `folder`: its home's."""
    postmaster = psutil.Process(int((folder / "postgresql" / "postmaster.pid").read_text().split()[0]))
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
