"""Our own index, searched through its own API: `LiveIndex`, with keys, locks and all."""

from collections.abc import Callable
from uuid import UUID

import numpy as np

from benchmarks import face_vectors
from benchmarks.search.contender import Contender, build
from benchmarks.search.task import K, Task
from indexer.index.build import AddBatch, RecallRequirement
from indexer.index.build import build as build_index
from indexer.index.live import LiveIndex
from indexer.types import LogPosition, Neighbour, Tier, Vectors

_BLOCK = 10_000


def contenders(task: Task) -> list[Contender]:
    return [_contender(task, tier) for tier in (Tier.EXACT, Tier.COMPACT)]


def live(task: Task, tier: Tier) -> LiveIndex:
    """An index of the gallery, with the keys 1 to n and n changes applied. Raises SystemExit."""
    built = build_index(tier, task.gallery.shape[1], _feed(task.gallery), requirement(task.threshold))
    if built.rejected:
        raise SystemExit(f"the tier {tier} was not built: {built.rejected}")
    return LiveIndex(
        built.searcher, position=LogPosition(number=task.n, token=UUID(int=task.n)), digest=built.digest
    )


def requirement(threshold: float) -> RecallRequirement:
    """No minimum recall for `compact`: the benchmark shows the recall that it has."""
    return RecallRequirement(
        genuine_cosines=face_vectors.parameters().genuine.tolist(), threshold=threshold, min_recall=0.0
    )


def first_places(answer: list[list[Neighbour]]) -> list[int]:
    return [row[0].key - 1 for row in answer]


def _contender(task: Task, tier: Tier) -> Contender:
    built = build(lambda: live(task, tier))
    return Contender(
        name=f"gemel-{tier}",
        search=lambda probes: built.made.search(probes, K),
        places=first_places,
        facts={"tier": str(tier)} | built.facts(task.n),
    )


def _feed(gallery: Vectors) -> Callable[[AddBatch], None]:
    def feed(take: AddBatch) -> None:
        for start in range(0, len(gallery), _BLOCK):
            block = gallery[start : start + _BLOCK]
            keys = np.arange(start + 1, start + len(block) + 1)
            take(keys, block, keys)

    return feed
