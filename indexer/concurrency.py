"""Limits on work at the same time: callers wait for a slot, with a deadline, and while their client waits."""

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
    """Inside the block, and in threads with its context, long work calls `check` before it begins: it says
    whether the client has disconnected."""
    token = _is_abandoned.set(check)
    try:
        yield
    finally:
        _is_abandoned.reset(token)


def is_abandoned() -> bool:
    """Whether the client that this thread works for has disconnected."""
    return _is_abandoned.get()()


def raise_if_abandoned() -> None:
    """Raises Abandoned."""
    if is_abandoned():
        raise Abandoned("the client has disconnected; its request is abandoned")


_is_in_background: ContextVar[bool] = ContextVar("is_in_background", default=False)


@contextmanager
def in_background() -> Iterator[None]:
    """What is done inside the block, and in threads with its context, gives way to requests."""
    token = _is_in_background.set(True)
    try:
        yield
    finally:
        _is_in_background.reset(token)


def is_in_background() -> bool:
    return _is_in_background.get()


class ConcurrencyLimit:
    """So many slots, one for each caller; the others wait, a limited number of them, for a limited time."""

    def __init__(
        self,
        slots: int,
        *,
        purpose: str,
        patience_seconds: float | None = None,
        max_callers: int | None = None,
    ) -> None:
        """`purpose`: completes the sentence "no ... is free". `patience_seconds`: None waits without a limit.
        `max_callers`: callers that hold a slot or wait for one; None for no limit."""
        self._free = threading.Semaphore(slots)
        self._purpose = purpose
        self._patience_seconds = patience_seconds
        self._most_with_waiting = max_callers
        self._callers = 0
        self._lock = threading.Lock()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Holds a slot inside the block. Raises Busy, Abandoned."""
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
                self._callers -= 1

    def _enter(self) -> None:
        with self._lock:
            if self._most_with_waiting is not None and self._callers >= self._most_with_waiting:
                raise Busy(f"no {self._purpose} is free, and too many requests wait for one")
            self._callers += 1

    def _wait(self) -> None:
        start = time.monotonic()
        while not self._free.acquire(timeout=_POLL_SECONDS):
            raise_if_abandoned()
            waited = time.monotonic() - start
            if self._patience_seconds is not None and waited >= self._patience_seconds:
                raise Busy(f"no {self._purpose} has been free for {self._patience_seconds:g} s")
