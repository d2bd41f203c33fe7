"""Medians within a budget of time."""

import time
from collections.abc import Callable

import numpy as np

_SECONDS = 1.0
_MOST_RUNS = 2_000


class Budget:
    """What is left of the time for the whole measurement."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    @property
    def left_seconds(self) -> float:
        return max(0.0, self._end - time.perf_counter())


def milliseconds(run: Callable[[], object], *, warm_ups: int = 3) -> dict[str, float]:
    """Of `run`, which returns when its result is there: at least 5 runs, about a second of them."""
    for _ in range(warm_ups):
        run()
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < 5 or (time.perf_counter() - begin < _SECONDS and len(times) < _MOST_RUNS):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    p50, p95 = np.percentile(times, [50, 95])
    return {"p50_ms": round(float(p50), 4), "p95_ms": round(float(p95), 4), "runs": len(times)}
