"""A request to stop that a signal handler may make.

A `threading.Event` must not be set by one: if the signal interrupts the main thread within `wait`, the
handler waits for a lock that its own thread holds, and the process never ends.
"""

import threading
from contextlib import suppress


class StopRequest:
    """Any thread and any signal handler may set it; one thread waits for it."""

    def __init__(self) -> None:
        self._is_set = False
        self._until_set = threading.Lock()
        self._until_set.acquire()

    def set(self) -> None:
        """May be called more than once."""
        self._is_set = True
        with suppress(RuntimeError):  # it is set already
            self._until_set.release()

    def wait(self, seconds: float) -> bool:
        """Whether it is set within that time."""
        return self._is_set or self._until_set.acquire(timeout=seconds) or self._is_set
