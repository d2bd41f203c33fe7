"""Searches of a gallery by some clients at once, and how they compare with the exact answers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.sharding.gallery import Truth
from indexer.errors import GemelError
from indexer.types import Vectors

SCORE_ERROR = 2e-3
"""Of a tier that stores halves of float32. An answer that scores so much less than the exact one is wrong."""

Search = Callable[[Vectors], tuple[int, float]]
"""Takes one probe (1, dimension). Returns the place of the nearest person and their score."""


@dataclass(slots=True)
class Searched:
    """What came of the searches."""

    seconds: list[float] = field(default_factory=list)
    """Of each answer, in order."""
    ended: list[float] = field(default_factory=list)
    """When it came, by the monotonic clock."""
    equal: int = 0
    """Answers whose first person is that of the exact scan."""
    wrong: int = 0
    """Answers whose first person is another one, who scores less."""
    errors: dict[str, int] = field(default_factory=dict)
    failed_at: list[float] = field(default_factory=list)
    """When each error came."""
    wall_seconds: float = 0
    cpu_seconds: float = 0
    """Of this process."""

    @property
    def searches(self) -> int:
        return len(self.seconds)

    def row(self) -> dict[str, Any]:
        p50, p95 = np.percentile(self.seconds, [50, 95]) if self.seconds else (np.nan, np.nan)
        return {
            "searches": self.searches,
            "first_equal": self.equal / max(1, self.searches),
            "wrong": self.wrong,
            "errors": sum(self.errors.values()),
            "p50_ms": round(1e3 * float(p50), 3),
            "p95_ms": round(1e3 * float(p95), 3),
            "most_ms": round(1e3 * max(self.seconds, default=np.nan), 1),
            "per_second": round(self.searches / self.wall_seconds, 1),
            "cpu_ms": round(1e3 * self.cpu_seconds / max(1, self.searches), 3),
        }


class Clients:
    """Some threads that search one after another; a context manager, whose `result` is there at its end."""

    def __init__(self, search: Search, truth: Truth, *, clients: int) -> None:
        self.result = Searched()
        self._search = search
        self._truth = truth
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._broken: BaseException | None = None
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "Clients":
        self._began, self._cpu = time.monotonic(), time.process_time()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self.result.wall_seconds = time.monotonic() - self._began
        self.result.cpu_seconds = time.process_time() - self._cpu
        if self._broken is not None:
            raise self._broken

    def _run(self, number: int) -> None:
        order = np.random.default_rng(number)
        try:
            while not self._ending.is_set():
                self._one(int(order.integers(len(self._truth.probes))))
        except BaseException as broken:  # is raised where the block ends
            self._broken = broken

    def _one(self, probe: int) -> None:
        began = time.monotonic()
        try:
            place, score = self._search(self._truth.probes[probe : probe + 1])
        except GemelError as error:
            with self._lock:
                self.result.errors[error.code] = self.result.errors.get(error.code, 0) + 1
                self.result.failed_at.append(time.monotonic())
            time.sleep(0.01)
            return
        ended = time.monotonic()
        equal = place == int(self._truth.places[probe])
        with self._lock:
            self.result.seconds.append(ended - began)
            self.result.ended.append(ended)
            self.result.equal += equal
            self.result.wrong += not equal and score < float(self._truth.scores[probe]) - SCORE_ERROR


def searched(search: Search, truth: Truth, *, clients: int, seconds: float, least: int) -> Searched:
    """For so many seconds, and until there are `least` answers, after a few that do not count."""
    for probe in range(5):
        search(truth.probes[probe : probe + 1])
    with Clients(search, truth, clients=clients) as running:
        deadline = time.monotonic() + 10 * seconds
        time.sleep(seconds)
        while running.result.searches < least and time.monotonic() < deadline:
            time.sleep(0.05)
    return running.result
