"""The tier `gpu`: every vector on the cards, in float16, and every probe compared with all of them.

A gallery is divided among all cards that CUDA shows, so that each query has the memory bandwidth of them
all. Probes are rounded to float16 too, as the cards' matrix units want them. On disk there is no such
tier: it is made from what another one has stored.
"""

import os
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.batching import BatchingSearcher
from indexer.index.searcher import CHUNK, FaissSearcher, Searcher
from indexer.types import Keys, Owners, Tier, Vectors

SCRATCH_BYTES = 512 * 2**20
"""For each index and card: FAISS's, beside the vectors."""
DRIVER_BYTES = 512 * 2**20
"""CUDA's context and cuBLAS's."""
GROWTH = 2.25
"""While the vectors are moved to a larger block, a quarter larger, both are there."""
_NORM_BYTES = 4


def device_count() -> int:
    """Those that FAISS can use; 0 with a FAISS that was built for the CPU."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def needed_bytes(count: int, dimension: int, among: int) -> int:
    """Of memory of each of `among` cards, at worst, while `count` vectors are added."""
    vectors = -(-count // among) * (2 * dimension + _NORM_BYTES)
    return int(vectors * GROWTH) + SCRATCH_BYTES + DRIVER_BYTES


def unavailable_reason(count: int, dimension: int) -> str | None:
    """Why `count` vectors cannot be searched on the cards now; None if they can. Asks, takes nothing."""
    among = device_count()
    if among == 0:
        return "there is no GPU that FAISS could use"
    needed = needed_bytes(count, dimension, among)
    try:
        free = min(free_bytes(card) for card in range(among))
    except Exception as error:  # NVIDIA's library is not there, or does not know the card
        return f"the GPU does not say how much memory it has: {error}"
    if free < needed:
        return f"{count} faces want {needed / 1e9:.1f} GB of each GPU, and {free / 1e9:.1f} GB are free"
    return None


def copy_to_gpus(searcher: Searcher) -> BatchingSearcher:
    """The same faces as in `searcher`, on the cards. Raises RuntimeError, where they have no memory left."""
    keys: list[Keys] = [np.empty(0, np.int64)]
    owners: list[Owners] = [np.empty(0, np.int64)]
    dimension = searcher.dimension
    index = Sharded([flat_index(card, dimension) for card in range(device_count())], dimension)
    for chunk_keys, vectors, chunk_owners in searcher.contents():
        keys.append(chunk_keys)
        owners.append(chunk_owners)
        index.add(vectors)
    return BatchingSearcher(FaissSearcher(Tier.GPU, index, np.concatenate(keys), np.concatenate(owners)))


class Sharded:
    """Flat indexes that share the vectors among them, with as much of FAISS's interface as we use.

    Places count from 0 in the order of adding. What is added goes to the emptiest.
    """

    def __init__(self, flat: Sequence[Any], dimension: int) -> None:
        """`flat`: empty FAISS indexes, by inner product, each of which can reconstruct its vectors."""
        self.d = dimension
        self._flat = flat
        self._numbered = [faiss.IndexIDMap(index) for index in flat]
        # Each shard in a thread of its own; which thread, the GPU does not mind as long as it is one.
        self._all = faiss.IndexShards(dimension, len(flat) > 1, False)
        for shard in self._numbered:
            self._all.add_shard(shard)

    @property
    def ntotal(self) -> int:
        return int(sum(index.ntotal for index in self._flat))

    def add(self, vectors: Vectors) -> None:
        for start in range(0, len(vectors), CHUNK):
            block = vectors[start : start + CHUNK]
            first = self.ntotal
            shard = min(self._numbered, key=lambda one: one.ntotal)
            shard.add_with_ids(block, np.arange(first, first + len(block)))
        self._all.syncWithSubIndexes()

    def search(self, probes: Vectors, k: int, *, params: None = None) -> tuple[NDArray[np.float32], Keys]:
        """`params`: as FAISS's indexes have it, and these know none."""
        assert params is None
        if k > tiers.GPU_MAX_K:
            return self.scan(probes, k, np.ones(self.ntotal, np.bool_))
        scores, places = self._all.search(probes, k)
        return scores, places

    def scan(self, probes: Vectors, k: int, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.float32], Keys]:
        """Among the places that are `allowed`, shape (ntotal,), on the CPU: the kernels know no selection.

        Only where the faces of very few people, or thousands of deleted ones, lie nearer to a probe than
        those that are looked for.
        """
        best = faiss.ResultHeap(len(probes), k, keep_max=True)
        for start in range(0, self.ntotal, CHUNK):
            places = start + np.flatnonzero(allowed[start : start + CHUNK])
            if len(places):
                block = self.reconstruct_n(start, min(CHUNK, self.ntotal - start))[places - start]
                scores, found = faiss.knn(probes, block, min(k, len(block)), faiss.METRIC_INNER_PRODUCT)
                best.add_result(scores, places[found])
        best.finalize()
        return best.D, best.I

    def reconstruct(self, place: int, out: Vectors) -> None:
        out[:] = self.reconstruct_n(place, 1)[0]

    def reconstruct_n(self, start: int, count: int) -> Vectors:
        vectors = np.empty((count, self.d), np.float32)
        for shard, flat in zip(self._numbered, self._flat, strict=True):
            places = faiss.rev_swig_ptr(shard.id_map.data(), shard.ntotal) if shard.ntotal else np.empty(0)
            first, last = np.searchsorted(places, (start, start + count)).tolist()
            if last > first:
                vectors[places[first:last] - start] = flat.reconstruct_n(first, last - first)
        return vectors


def flat_index(card: int, dimension: int) -> Any:
    resources = faiss.StandardGpuResources()  # one for each index: no thread but its owner's uses it
    resources.setTempMemory(SCRATCH_BYTES)
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    config.device = card
    return faiss.GpuIndexFlatIP(resources, dimension, config)


def free_bytes(card: int) -> int:
    """Of the card that CUDA calls `card`."""
    import pynvml

    pynvml.nvmlInit()
    try:
        handle = _handle(pynvml, card)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    finally:
        pynvml.nvmlShutdown()


def _handle(pynvml: Any, card: int) -> Any:
    """CUDA numbers only the cards that CUDA_VISIBLE_DEVICES leaves it, NVML numbers all."""
    shown = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = shown[card] if card < len(shown) else str(card)
    return (
        pynvml.nvmlDeviceGetHandleByIndex(int(name))
        if name.isdecimal()
        else pynvml.nvmlDeviceGetHandleByUUID(name)
    )
