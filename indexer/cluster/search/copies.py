"""Which copy of a shard is called, and after how long another one.

Each search starts with the next copy in turn, so that all copies share the load. A copy that failed, or that
was overtaken by another, is left out for a while.
"""

import statistics
import threading
import time
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

LEAST_HEDGE_SECONDS = 0.02
MEDIANS = 3.0
"""A call that takes so many times the median is sent to another copy too."""
KEPT = 64
"""Durations of the median."""
FIRST_HEDGE_SECONDS = 0.2
"""Until there is a median."""
HEDGE_SHARE = 0.1
"""Of the calls, at most so many are hedged in the long run: otherwise an overloaded cluster would get twice
the load."""
HEDGES_AT_ONCE = 20.0
HEDGES_A_SECOND = 5.0
"""So many are allowed besides: a call of a copy that never answers goes to another one even if no other
search is in progress."""
AVOIDED_SECONDS = 1.0
"""A copy that failed or was slow is left out for so long; after failures in a row, up to 16 times it."""
AWAY_SECONDS = 5.0
"""A shard is away when none of its copies could be reached for so long."""
AWAY_PATIENCE_SECONDS = 1.0
"""A search waits so long for a shard that is away: long enough to find it once it is back."""


@dataclass(slots=True)
class _Copy:
    failures: int = 0
    avoided_until: float = 0.0
    unreachable_since: float | None = None
    """None where the last call had an answer or an error of Gemel's, or no call has ended yet."""


@dataclass(slots=True)
class Counts:
    """Since the process began."""

    searches: int = 0
    """Calls of all shards."""
    hedges: int = 0
    retries: int = 0
    """Calls that were repeated because a copy failed."""
    rounds: int = 0
    """Calls that were repeated because a shard had not followed the others."""
    failures: int = 0
    """Searches that ended with an error because a shard did not answer in time."""


@dataclass(slots=True)
class Copies:
    """The copies of all shards of a set, as this process knows them. Safe to call from several threads."""

    shards: int
    copies: int
    counts: Counts = field(default_factory=Counts)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _copies: dict[tuple[int, int], _Copy] = field(default_factory=dict)
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=KEPT))
    _hedge_seconds: float = FIRST_HEDGE_SECONDS
    _hedges_left: float = HEDGES_AT_ONCE
    _hedged_at: float = field(default_factory=time.monotonic)
    """The time of the last call of `may_hedge`."""
    _turn: int = 0

    def order(self) -> list[list[int]]:
        """For each shard, the numbers of its copies in the order in which to call them."""
        now = time.monotonic()
        with self._lock:
            self._turn += 1
            self._hedges_left = min(HEDGES_AT_ONCE, self._hedges_left + HEDGE_SHARE * self.shards)
            orders = []
            for shard in range(self.shards):
                turned = [(self._turn + shard + copy) % self.copies for copy in range(self.copies)]
                orders.append(sorted(turned, key=lambda copy: self._of(shard, copy).avoided_until > now))
            return orders

    @property
    def hedge_seconds(self) -> float:
        return self._hedge_seconds

    def may_hedge(self) -> bool:
        """Whether one more call may be hedged; it counts."""
        now = time.monotonic()
        with self._lock:
            more = HEDGES_A_SECOND * (now - self._hedged_at)
            self._hedges_left, self._hedged_at = min(HEDGES_AT_ONCE, self._hedges_left + more), now
            if self._hedges_left < 1:
                return False
            self._hedges_left -= 1
            self.counts.hedges += 1
            return True

    def answered(self, shard: int, copy: int, seconds: float) -> None:
        with self._lock:
            known = self._of(shard, copy)
            known.failures, known.avoided_until, known.unreachable_since = 0, 0.0, None
            self._durations.append(seconds)
            if len(self._durations) >= self.shards:
                median = statistics.median(self._durations)
                self._hedge_seconds = max(LEAST_HEDGE_SECONDS, MEDIANS * median)

    def failed(self, shard: int, copy: int) -> None:
        """A call has failed, or another copy that was called later has answered first."""
        with self._lock:
            known = self._of(shard, copy)
            known.failures += 1
            known.avoided_until = time.monotonic() + AVOIDED_SECONDS * 2 ** min(4, known.failures - 1)

    def could_be_reached(self, shard: int, copy: int, reached: bool) -> None:
        """After a call that has failed. `reached`: whether the copy itself has raised an error of Gemel's."""
        with self._lock:
            known = self._of(shard, copy)
            if reached:
                known.unreachable_since = None
            elif known.unreachable_since is None:
                known.unreachable_since = time.monotonic()

    def patience(self, shards: Collection[int]) -> float:
        """How many seconds a search of these shards waits at most; infinite unless one of them is away. A
        copy that never answers may be slow, and does not count as away."""
        now = time.monotonic()
        with self._lock:
            for shard in shards:
                since = [self._of(shard, copy).unreachable_since for copy in range(self.copies)]
                if all(one is not None and one <= now - AWAY_SECONDS for one in since):
                    return AWAY_PATIENCE_SECONDS
        return float("inf")

    def down(self) -> list[tuple[int, int]]:
        """Shards and copies that are left out now."""
        now = time.monotonic()
        with self._lock:
            return [place for place, copy in self._copies.items() if copy.avoided_until > now]

    def _of(self, shard: int, copy: int) -> _Copy:
        return self._copies.setdefault((shard, copy), _Copy())
