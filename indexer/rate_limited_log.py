"""A rate limit for log lines that clients can cause: one line of each kind in ten seconds, the rest counted.

Lines about single events (a start, a rebuild) are logged without it.
"""

import logging
import threading
import time
from dataclasses import dataclass

EVERY_SECONDS = 10.0
_MAX_KINDS = 1000
"""Kinds that are remembered. Beyond it all are forgotten, which bounds the memory."""


@dataclass(slots=True)
class _Kind:
    logged_at: float
    suppressed: int = 0


class LineLimit:
    """Admits one line of each kind in `every_seconds`, and counts the others. Thread-safe."""

    def __init__(self, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()

    def admit(self, kind: str) -> int | None:
        """Lines of this kind suppressed since its last one. None: suppress this one too."""
        now = time.monotonic()
        with self._lock:
            known = self._kinds.get(kind)
            if known is not None and now < known.logged_at + self._every_seconds:
                known.suppressed += 1
                return None
            if len(self._kinds) >= _MAX_KINDS:
                self._kinds.clear()
            self._kinds[kind] = _Kind(now)
            return 0 if known is None else known.suppressed


class RateLimitedLog:
    """Logs at most one line of each kind in `every_seconds`. Thread-safe."""

    def __init__(self, log: logging.Logger, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._log = log
        self._limit = LineLimit(every_seconds=every_seconds)

    def line(self, level: int, kind: str, message: str, *values: object) -> None:
        """Log the line or suppress it. The next line of its kind says how many were suppressed."""
        suppressed = self._limit.admit(kind)
        if suppressed is None:
            return
        if suppressed:
            message += " (%d more of this kind since the last such line)"
            values = (*values, suppressed)
        self._log.log(level, message, *values)
