"""Times contenders in alternating rounds, so that disturbances of the machine affect all alike."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import faiss
import numpy as np

from benchmarks.search.contender import CORES, Contender
from benchmarks.search.task import Task
from indexer.types import Vectors

ROUNDS = 25
SINGLES = 20
"""Queries of one probe in a round, timed one by one."""
BATCH = 64
WARM_UP = 3
"""Queries of a round that do not count: the previous contender has emptied the caches."""
LEAST = 100
"""Number of queries that even the slowest contender answers, at any duration."""
BUDGET_SECONDS = 75.0
SETTLING_SECONDS = 30.0
UNKNOWN = -2


class Record:
    """The results of one contender so far."""

    def __init__(self, contender: Contender, task: Task) -> None:
        self.contender = contender
        self.single_ms: list[float] = []
        self.batch_s: list[float] = []
        self.spent_s = 0.0
        self._task = task
        self._first = np.full(len(task.probes), UNKNOWN, np.int64)
        self._next = 0

    @property
    def answered(self) -> int:
        return int((self._first != UNKNOWN).sum())

    @property
    def exhausted(self) -> bool:
        return self.spent_s > BUDGET_SECONDS and len(self.single_ms) >= LEAST

    def warm_up(self) -> None:
        for i in range(WARM_UP):
            self.contender.search(self._task.probes[i : i + 1])

    def singles(self, count: int) -> None:
        for _ in range(count):
            self.single_ms.append(1e3 * self._ask(self.contender.search, 1))

    def batch(self) -> None:
        self.batch_s.append(self._ask(self.contender.batch or self.contender.search, BATCH))

    def settle(self) -> None:
        """Answers the remaining probes, for the recall, while there is time."""
        end = time.perf_counter() + SETTLING_SECONDS
        while self._next + BATCH <= len(self._first) and time.perf_counter() < end:
            self._ask(self.contender.batch or self.contender.search, BATCH)

    def row(self) -> dict[str, Any]:
        task = self._task
        known = self._first != UNKNOWN
        same = self._first == task.exact
        p50, p95 = np.percentile(self.single_ms, [50, 95])
        return {
            "name": self.contender.name,
            "n": task.n,
            "p50_ms": round(float(p50), 4),
            "p95_ms": round(float(p95), 4),
            "queries_per_s": round(BATCH / float(np.median(self.batch_s)), 2),
            "first_found": round(float((self._first == task.mates)[known].mean()), 5),
            "recall": round(float(same[known].mean()), 5),
            "recall_above_threshold": round(float(same[known & task.above].mean()), 5),
            "threshold": round(task.threshold, 4),
            "probes": self.answered,
            "probes_above_threshold": int((known & task.above).sum()),
            "timed": len(self.single_ms),
        } | self.contender.facts

    def _ask(self, search: Callable[[Vectors], Any], count: int) -> float:
        """The time of the next `count` probes, in seconds."""
        if self._next + count > len(self._first):
            self._next = 0
        block = slice(self._next, self._next + count)
        probes = np.ascontiguousarray(self._task.probes[block])
        start = time.perf_counter()
        answer = search(probes)
        seconds = time.perf_counter() - start
        self._first[block] = self.contender.places(answer)
        self._next += count
        self.spent_s += seconds
        return seconds


def race(
    contenders: Sequence[Contender],
    task: Task,
    *,
    rounds: int = ROUNDS,
    progress: Callable[[str], object] = lambda _: None,
) -> list[dict[str, Any]]:
    """One row per contender. A different one begins each round."""
    records = [Record(contender, task) for contender in contenders]
    for number in range(rounds):
        for i in range(len(records)):
            record = records[(number + i) % len(records)]
            if record.exhausted:
                continue
            progress(f"{record.contender.name}, round {number + 1} of {rounds}")
            _set_threads(record.contender)
            record.warm_up()
            record.singles(SINGLES)
            record.batch()
    for record in records:
        progress(f"{record.contender.name}, the rest of the probes")
        _set_threads(record.contender)
        record.settle()
    return [record.row() for record in records]


def _set_threads(contender: Contender) -> None:
    faiss.omp_set_num_threads(contender.threads or CORES)
