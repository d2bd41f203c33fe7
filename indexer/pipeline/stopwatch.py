"""How long each stage of a request takes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Milliseconds of each stage; stages of the same name add up."""

    def __init__(self) -> None:
        self.milliseconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1e3
            self.milliseconds[name] = self.milliseconds.get(name, 0.0) + spent

    @property
    def total(self) -> float:
        """Milliseconds since the stopwatch was made."""
        return (time.perf_counter() - self._start) * 1e3

    def timings_ms(self) -> dict[str, float]:
        """Of each stage so far, and `total`."""
        return self.milliseconds | {"total": self.total}
