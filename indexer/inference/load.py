"""How much work a process has for its cores at the moment."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ProcessorLoad:
    """Counts the tasks of a process that need the processor: pictures, and batches of faces. Networks use
    all cores for the only task, and one core for each of several. Safe to call from several threads."""

    def __init__(self) -> None:
        self._tasks = 0
        self._lock = threading.Lock()

    @contextmanager
    def task(self) -> Iterator[None]:
        """Hold it from the moment when the task waits for the processor."""
        with self._lock:
            self._tasks += 1
        try:
            yield
        finally:
            with self._lock:
                self._tasks -= 1

    @property
    def is_shared(self) -> bool:
        """Whether there is more than one task."""
        return self._tasks > 1
