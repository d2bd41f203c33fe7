"""Turns the output of PostgreSQL's programs into one sentence of an error."""

import errno
import re
from pathlib import Path

from indexer.errors import DatabaseFull, DatabaseUnavailable, Unavailable

_FULL = re.compile(r"No space left on device|Disk quota exceeded")
_SEVERE = re.compile(r"(?:FATAL|PANIC):\s+(.*)")
_PROGRAM_ERROR = re.compile(r"(?:initdb|postgres): (?:error: |fatal: )?(.*)")


def from_output(failure: str, output: str, log: Path | None = None) -> Unavailable:
    """`failure`: begins the message, as "cannot start". `output`: of the program. `log`: a file with more."""
    where = f"; its log is {log}" if log is not None else ""
    return _error(failure, _reason(output), where, full=_FULL.search(output) is not None)


def from_os_error(failure: str, error: OSError) -> Unavailable:
    path = f"{error.filename}: " if error.filename else ""
    reason = f"{path}{error.strerror or error}"
    return _error(failure, reason, "", full=error.errno in (errno.ENOSPC, errno.EDQUOT))


def _error(failure: str, reason: str, where: str, *, full: bool) -> Unavailable:
    if full:
        return DatabaseFull(f"{failure}: the disk is full ({reason}); free some space and start again{where}")
    return DatabaseUnavailable(f"{failure}: {reason}{where}")


def _reason(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for pattern in (_FULL, _SEVERE, _PROGRAM_ERROR):
        for line in lines:
            if pattern.search(line):
                severe = _SEVERE.search(line) or _PROGRAM_ERROR.search(line)
                return severe[1] if severe else line
    return lines[-1] if lines else "it wrote no message"
