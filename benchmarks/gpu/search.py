"""Exact search: the tier `gpu` against FAISS on the processor."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import faiss
import numpy as np

from benchmarks import face_vectors
from benchmarks.gpu.timing import Budget, milliseconds
from indexer.index import tiers
from indexer.index.gpu import sharded
from indexer.index.searcher import FaissSearcher, Searcher
from indexer.types import Tier

SIZES = (1_000_000, 10_000_000)
BATCHES = (1, 16, 256)
K = 10
_SEED = 0
_GROWTH_SECONDS_PER_MILLION = 12.0
"""To sample the vectors and to add them to both indexes, at worst; a guess, to stay within the budget."""


def rows(budget: Budget, sizes: tuple[int, ...] = SIZES) -> Iterator[dict[str, Any]]:
    """One row for each size of the gallery and each batch of probes."""
    if sharded.device_count() == 0:
        yield {"skipped": f"faiss {faiss.__version__} has no GPU: install faiss-gpu"}
        return
    dimension = len(face_vectors.parameters().mean)
    on_processor = faiss.IndexFlatIP(dimension)
    blocks = face_vectors.gallery_blocks(max(sizes), _SEED)
    searched: np.ndarray | None = None
    on_gpu = sharded.copy_to_gpus(_empty(dimension))
    for size in sorted(sizes):
        needed = _GROWTH_SECONDS_PER_MILLION * (size - on_processor.ntotal) / 1e6
        if budget.left_seconds < needed:
            yield {"faces": size, "skipped": f"{budget.left_seconds:.0f} s are left, {needed:.0f} are needed"}
            return
        if reason := sharded.unavailable_reason(size, dimension):
            yield {"faces": size, "skipped": reason}
            return
        while on_processor.ntotal < size:
            block = next(blocks)
            keys = np.arange(on_processor.ntotal, on_processor.ntotal + len(block))
            on_processor.add(block)
            on_gpu.add(keys, block, keys)
            if searched is None:
                searched = face_vectors.probes(block[: max(BATCHES)], _SEED)
        assert searched is not None
        yield from _measured(on_gpu, on_processor, searched)


def _measured(on_gpu: Searcher, on_processor: Any, searched: np.ndarray) -> Iterator[dict[str, Any]]:
    for batch in BATCHES:
        probes = searched[:batch]
        faiss.omp_set_num_threads(min(batch, tiers.CORES))
        here = milliseconds(partial(on_processor.search, probes, K), warm_ups=1)
        there = milliseconds(partial(on_gpu.search, probes, K))
        first = on_processor.search(probes, 1)[1][:, 0]
        same = float(np.mean(on_gpu.search(probes, 1)[1][:, 0] == first))
        yield {
            "faces": on_processor.ntotal,
            "batch": batch,
            "gpu": there,
            "processor": here,
            "probes_per_second": round(batch / there["p50_ms"] * 1e3),
            "recall_at_1": round(same, 4),
        }


def _empty(dimension: int) -> FaissSearcher:
    nothing = np.empty(0, np.int64)
    return FaissSearcher(Tier.EXACT_FP16, tiers.exact_index(Tier.EXACT_FP16, dimension), nothing, nothing)
