"""Detects overload: more requests arrive than are completed, for longer than a burst.

A queue alone is no overload: eight clients that each wait for their answer always have eight requests in
progress. Requests that arrive regardless of the answers fill any queue, and then are rejected. Why not the
time in the queue: docs/decisions/0023-load-shedding.md.
"""

import time
from collections.abc import Callable

MAX_REJECTED_SHARE = 0.2
"""Share of a window's requests that may be rejected without overload."""
WINDOW_SECONDS = 0.1
"""Length of a window in ordinary times. Two with too many rejections are overload, one is a burst."""
OVERLOADED_WINDOW_SECONDS = 1.0
"""During overload. One with few rejections ends it. Clients that try again after `Retry-After` come once a
second, so that shorter windows would see either none or all of them."""


class OverloadDetector:
    """Counts the requests of one window of time after the other. Used by the event loop's thread only.

    A window in which no request was completed is no sign of overload: a stalled database is none.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds that only increase."""
        self._clock = clock
        self._overloaded = False
        self._burst = False
        """Whether the window before had too many rejections."""
        self._start_window()

    @property
    def overloaded(self) -> bool:
        self._advance()
        return self._overloaded

    def count(self, *, rejected: bool) -> None:
        """A request arrived."""
        self._advance()
        self._arrived += 1
        self._rejected += rejected

    def count_completed(self) -> None:
        self._advance()
        self._completed += 1

    def _start_window(self) -> None:
        self._started = self._clock()
        self._arrived = self._rejected = self._completed = 0

    def _advance(self) -> None:
        """Judges the window if it has ended. Nothing happened between its end and now."""
        passed = self._clock() - self._started
        if passed < (OVERLOADED_WINDOW_SECONDS if self._overloaded else WINDOW_SECONDS):
            return
        many = self._rejected > MAX_REJECTED_SHARE * self._arrived
        if self._overloaded:
            self._overloaded = many and passed < 2 * OVERLOADED_WINDOW_SECONDS
            self._burst = False
        elif not many or passed >= 2 * WINDOW_SECONDS:
            self._burst = False
        elif self._completed:
            self._overloaded, self._burst = self._burst, True
        self._start_window()
