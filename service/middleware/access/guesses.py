"""Slows down clients that send wrong keys."""

import time
from collections import OrderedDict

import anyio

FREE_GUESSES = 100
"""Wrong keys of an address that are answered at once; one more each second."""
PAUSE_SECONDS = 1.0
MAX_ADDRESSES = 10_000


class Guesses:
    """Counts wrong keys by address, for the event loop's thread only. Right keys are never delayed, so nobody
    can lock out others who share the address."""

    def __init__(self, *, free: int = FREE_GUESSES, pause_seconds: float = PAUSE_SECONDS) -> None:
        self._free = free
        self._pause_seconds = pause_seconds
        self._exhausted_until: OrderedDict[str, float] = OrderedDict()
        """When the address has all free guesses again, by `time.monotonic`."""

    async def pause(self, address: str) -> None:
        """Call it after a wrong key, before its answer."""
        now = time.monotonic()
        full_at = max(now, self._exhausted_until.pop(address, now)) + 1.0
        self._exhausted_until[address] = min(full_at, now + self._free + 1.0)
        if len(self._exhausted_until) > MAX_ADDRESSES:
            self._exhausted_until.popitem(last=False)
        if full_at - now > self._free:
            await anyio.sleep(self._pause_seconds)
