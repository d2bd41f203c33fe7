"""Limits on work at the same time: callers wait for a turn, with a deadline, and while their client waits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from indexer.errors import Abandoned, Busy

_POLL_SECONDS = 0.25

_is_abandoned: ContextVar[Callable[[], bool]] = ContextVar("is_abandoned", default=lambda: False)


@contextmanager
def abandoned_when(check: Callable[[], bool]) -> Iterator[None]:
    """Inside the block, and in threads with its context, long work calls `check` before it begins: has the
    client of the request gone?"""
    token = _is_abandoned.set(check)
    try:
        yield
    finally:
        _is_abandoned.reset(token)


def is_abandoned() -> bool:
    """Whether the client that this thread works for has gone."""
    return _is_abandoned.get()()


def raise_if_abandoned() -> None:
    """Raises Abandoned."""
    if is_abandoned():
        raise Abandoned("the client has gone; nothing more is done for it")


class ConcurrencyLimit:
    """At most `most` callers at once; the others wait, a limited number of them, for a limited time."""

    def __init__(
        self,
        most: int,
        *,
        purpose: str,
        patience_seconds: float | None = None,
        most_with_waiting: int | None = None,
    ) -> None:
        """`purpose`: completes the sentence "no ... is free". `patience_seconds`: None waits without a limit.
        `most_with_waiting`: callers that have their turn or wait for it; None for no limit."""
        self._free = threading.Semaphore(most)
        self._purpose = purpose
        self._patience_seconds = patience_seconds
        self._most_with_waiting = most_with_waiting
        self._there = 0
        self._lock = threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Raises Busy, Abandoned."""
        self._enter()
        try:
            self._wait()
            try:
                raise_if_abandoned()
                yield
            finally:
                self._free.release()
        finally:
            with self._lock:
                self._there -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._most_with_waiting is not None and self._there >= self._most_with_waiting:
                raise Busy(f"no {self._purpose} is free, and others wait for one already")
            self._there += 1

    def _wait(self) -> None:
        start = time.monotonic()
        while not self._free.acquire(timeout=_POLL_SECONDS):
            raise_if_abandoned()
            waited = time.monotonic() - start
            if self._patience_seconds is not None and waited >= self._patience_seconds:
                raise Busy(f"no {self._purpose} has been free for {self._patience_seconds:g} s")
