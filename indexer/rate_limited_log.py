"""Log lines that a client can cause as often as it likes: few of each kind, with the number of the others.

Not for lines that tell of one thing that happened: those are logged as they are.
"""

import logging
import threading
import time
from dataclasses import dataclass

EVERY_SECONDS = 10.0
_MOST_KINDS = 1000


@dataclass(slots=True)
class _Kind:
    logged_at: float
    left_out: int = 0


class RateLimitedLog:
    """Logs a line of each kind once in so many seconds. Safe to call from several threads."""

    def __init__(self, log: logging.Logger, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._log = log
        self._every_seconds = every_seconds
        self._kinds: dict[str, _Kind] = {}
        self._lock = threading.Lock()

    def line(self, level: int, kind: str, message: str, *values: object) -> None:
        """The first of a kind is logged at once; the next one that is logged has the number left out."""
        left_out = self._left_out(kind)
        if left_out is None:
            return
        if left_out:
            message += " (and %d more of this kind since the last such line)"
            values = (*values, left_out)
        self._log.log(level, message, *values)

    def _left_out(self, kind: str) -> int | None:
        """None where this one is left out too."""
        now = time.monotonic()
        with self._lock:
            known = self._kinds.get(kind)
            if known is not None and now < known.logged_at + self._every_seconds:
                known.left_out += 1
                return None
            if len(self._kinds) >= _MOST_KINDS:
                self._kinds.clear()
            self._kinds[kind] = _Kind(now)
            return 0 if known is None else known.left_out
