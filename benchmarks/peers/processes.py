"""What processes take: memory and processor time. Linux only."""

import os
from collections.abc import Iterable
from pathlib import Path


def resident_bytes(roots: Iterable[int]) -> int:
    """The proportional set size of the processes and of all their descendants, so that memory which they
    share counts once."""
    return sum(map(_proportional_bytes, _with_descendants(roots)))


def cpu_seconds(roots: Iterable[int]) -> float:
    """The time that the processes and all their living descendants have computed, in user and system mode."""
    return sum(map(_cpu_seconds, _with_descendants(roots)))


def _with_descendants(roots: Iterable[int]) -> set[int]:
    parents = {
        int(folder.name): int(fields[1])
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and (fields := _stat(int(folder.name)))
    }
    pids = set(roots)
    while new := {pid for pid, parent in parents.items() if parent in pids} - pids:
        pids |= new
    return pids


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; none of a process that has ended."""
    try:
        # The second field is the program's name in parentheses; it may contain spaces.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _cpu_seconds(pid: int) -> float:
    return sum(int(ticks) for ticks in _stat(pid)[11:13]) / os.sysconf("SC_CLK_TCK")


def _proportional_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:"))
