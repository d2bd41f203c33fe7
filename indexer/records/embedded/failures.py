"""What PostgreSQL's programs say when they fail, as one sentence of an error."""

import errno
import re
from pathlib import Path

from indexer.errors import DatabaseFull, DatabaseUnavailable, Unavailable

_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_SEVERE = re.compile(r"(?:FATAL|PANIC):\s+(.*)")
_SAID = re.compile(r"(?:initdb|postgres): (?:error: |fatal: )?(.*)")


def of_output(doing: str, output: str, log: Path | None = None) -> Unavailable:
    """`doing`: what went wrong, in words. `output`: what the program wrote. `log`: where there is more."""
    where = f"; its log is {log}" if log is not None else ""
    return _error(doing, _reason(output), where, full=_FULL.search(output) is not None)


def of_system(doing: str, error: OSError) -> Unavailable:
    path = f"{error.filename}: " if error.filename else ""
    reason = f"{path}{error.strerror or error}"
    return _error(doing, reason, "", full=error.errno in (errno.ENOSPC, errno.EDQUOT))


def _error(doing: str, reason: str, where: str, *, full: bool) -> Unavailable:
    if full:
        return DatabaseFull(f"{doing}: the disk is full ({reason}); free some room and start again{where}")
    return DatabaseUnavailable(f"{doing}: {reason}{where}")


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in (_FULL, _SEVERE, _SAID):
        for line in lines:
            if pattern.search(line):
                severe = _SEVERE.search(line) or _SAID.search(line)
                return severe[1] if severe else line
    return lines[-1] if lines else "it said nothing"
