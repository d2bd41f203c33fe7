"""A process's share of a key's tokens: taken from PostgreSQL in portions, used within a quarter of a second.

Tokens that are not used by then are lost. So in any time, all processes together let no more requests through
than the bucket's capacity and what flows in during that time and the quarter of a second before it.
"""

import time
from collections.abc import Callable
from math import exp

from indexer.access.key_limits.limits import Policy, Quota, capacity

LEASE_SECONDS = 0.25
MIN_PAUSE_SECONDS = 0.005
"""Shortest time until an empty bucket is queried again: a flood of requests causes no flood of queries."""


class TokenLease:
    """The leased tokens of one key in one process. Not thread-safe: `KeyUsage` holds its lock."""

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = 0
        self._expires_at = 0.0
        self._empty_until = 0.0
        self._level = capacity(rate)
        """Level of the bucket in PostgreSQL at the last query."""
        self._synced_at = clock()
        self._recent = 0.0
        """Requests of about the last lease: each counts less as it ages, e^-1 after a lease."""
        self._counted_at = clock()

    def count_request(self) -> None:
        """Call it once for each request, also for one that is rejected."""
        now = self._clock()
        self._recent = 1 + self._recent * exp((self._counted_at - now) / LEASE_SECONDS)
        self._counted_at = now

    def take(self) -> bool | None:
        """Takes a token. False: there is none. None: PostgreSQL must be queried."""
        now = self._clock()
        if self._tokens and now < self._expires_at:
            self._tokens -= 1
            return True
        return False if now < self._empty_until else None

    def portion(self) -> int:
        """Tokens to take from PostgreSQL now, as their lease begins. Those of the last lease are lost.

        Half of what this process needs during a lease, so that few are lost; one for a key with few requests,
        which is used at once.
        """
        self._tokens, self._expires_at = 0, self._clock() + LEASE_SECONDS
        return max(1, int(min(self._recent, self.rate * LEASE_SECONDS) / 2))

    def refill(self, granted: int, level: float) -> bool:
        """Stores PostgreSQL's answer and takes one token of it. Returns False if there is none."""
        now = self._clock()
        self._level, self._synced_at = level, now
        if granted == 0:
            self._empty_until = now + max((1 - level) / self.rate, MIN_PAUSE_SECONDS)
            return False
        self._tokens = granted - 1
        return True

    def quota(self) -> Quota:
        now = self._clock()
        level = min(capacity(self.rate), self._level + self.rate * (now - self._synced_at))
        if now < self._expires_at:
            level += self._tokens
        return Quota.of(Policy.REQUESTS, level, self.rate)
