"""A process's account of a key's faces. They are counted after detection, so the bucket may go below zero."""

import time
from collections.abc import Callable

from indexer.access.key_limits.limits import Policy, Quota, capacity

STALE_SECONDS = 0.1
"""After this time PostgreSQL is queried for what other processes have charged."""


class FaceAccount:
    """The faces of one key in one process. Not thread-safe: `KeyUsage` holds its lock."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._level = 0.0
        self._known_at: float | None = None
        self._charging = 0
        """Faces that a statement is storing."""
        self._uncharged = 0

    def has_face(self) -> bool | None:
        """Whether there is a whole token. None: PostgreSQL must be queried."""
        if self._known_at is None:
            return None
        level = self._estimate()
        if level < 1:  # others can only have taken more
            return False
        return True if self._clock() - self._known_at < STALE_SECONDS else None

    def charge(self, faces: int) -> None:
        """Adds faces to those that `start_charging` hands to the next statement."""
        self._uncharged += faces

    @property
    def uncharged(self) -> int:
        return self._uncharged

    def start_charging(self) -> int:
        """Returns the number of faces that the next statement stores."""
        self._charging, self._uncharged = self._uncharged, 0
        return self._charging

    def charged(self, level: float) -> None:
        self._charging, self._level, self._known_at = 0, level, self._clock()

    def failed(self) -> None:
        """The statement has failed: the next one stores its faces too."""
        self._uncharged, self._charging = self._uncharged + self._charging, 0

    def quota(self) -> Quota:
        level = capacity(self.rate) - self._uncharged if self._known_at is None else self._estimate()
        return Quota.of(Policy.FACES, level, self.rate)

    def _estimate(self) -> float:
        assert self._known_at is not None
        filled = self._level + self.rate * (self._clock() - self._known_at)
        return min(capacity(self.rate), filled) - self._charging - self._uncharged
