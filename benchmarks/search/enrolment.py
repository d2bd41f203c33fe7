"""How fast a live index applies enrolments while it is searched without a pause."""

import threading
import time
from typing import Any
from uuid import UUID

import numpy as np

from benchmarks import face_vectors
from benchmarks.search.contenders.gemel import live
from benchmarks.search.task import SEED, K, Task
from indexer.index.live import LiveIndex
from indexer.types import Change, ChangeKind, Tier

BATCHES = (1, 10, 100)
"""Changes that are applied at once."""
SECONDS = 10.0
_FACES = 50_000
"""Number of new faces: the measurement ends when all are enrolled."""


def rows(task: Task) -> list[dict[str, Any]]:
    index = live(task, Tier.COMPACT)
    return [_measure(index, task, batch) for batch in BATCHES]


def _measure(index: LiveIndex, task: Task, batch: int) -> dict[str, Any]:
    newcomers = face_vectors.strangers(_FACES, SEED + batch)
    done = threading.Event()
    searches_ms: list[float] = []

    def search() -> None:
        number = 0
        while not done.is_set():
            probe = task.probes[number % len(task.probes)][np.newaxis]
            start = time.perf_counter()
            index.search(probe, K)
            searches_ms.append(1e3 * (time.perf_counter() - start))
            number += 1

    searching = threading.Thread(target=search)
    searching.start()
    applied = 0
    start = time.perf_counter()
    while applied < _FACES and time.perf_counter() - start < SECONDS:
        index.apply(_changes(index.applied, newcomers[applied : applied + batch]))
        applied += batch
    seconds = time.perf_counter() - start
    done.set()
    searching.join()
    p50, p95 = np.percentile(searches_ms, [50, 95])
    return {
        "name": "gemel-compact-enrol",
        "n": task.n,
        "tier": str(index.tier),
        "batch": batch,
        "faces_per_s": round(applied / seconds, 1),
        "faces": applied,
        "p50_ms": round(float(p50), 4),
        "p95_ms": round(float(p95), 4),
        "queries_per_s": round(len(searches_ms) / seconds, 2),
    }


def _changes(applied: int, vectors: np.ndarray) -> list[Change]:
    return [
        Change(
            number=applied + i,
            token=UUID(int=applied + i),
            kind=ChangeKind.ENROL,
            key=applied + i,
            vector=vector,
            owner=applied + i,
        )
        for i, vector in enumerate(vectors, 1)
    ]
