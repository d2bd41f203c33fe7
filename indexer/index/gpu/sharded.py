"""The tier `gpu`: every vector on the GPUs, in float16, and every probe compared with all of them.

The vectors of a gallery are divided among all GPUs that CUDA shows, so that a query has the memory
bandwidth of all of them. Probes are rounded to float16 too, as the matrix units require. Snapshots never
have this tier: a GPU index is copied from an index of another tier.
"""

import os
from collections.abc import Sequence
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.gpu.batching import BatchingSearcher
from indexer.index.searcher import CHUNK, FaissSearcher, Searcher
from indexer.types import Keys, Owners, Tier, Vectors

SCRATCH_BYTES = 512 * 2**20
"""Temporary memory of FAISS for each index and GPU, beside the vectors."""
DRIVER_BYTES = 512 * 2**20
"""Memory of CUDA's context and cuBLAS on each GPU."""
GROWTH = 2.25
"""While the vectors move to a block that is a quarter larger, both blocks exist."""
_NORM_BYTES = 4


def device_count() -> int:
    """GPUs that FAISS can use; 0 where FAISS was built for the CPU."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def needed_bytes(count: int, dimension: int, devices: int) -> int:
    """Memory of each of `devices` GPUs that `count` vectors need at worst, while they are added."""
    vectors = -(-count // devices) * (2 * dimension + _NORM_BYTES)
    return int(vectors * GROWTH) + SCRATCH_BYTES + DRIVER_BYTES


def unavailable_reason(count: int, dimension: int) -> str | None:
    """Why `count` vectors cannot be searched on the GPUs now; None if they can. Allocates nothing."""
    devices = device_count()
    if devices == 0:
        return "there is no GPU that FAISS could use"
    needed = needed_bytes(count, dimension, devices)
    try:
        free = min(free_bytes(device) for device in range(devices))
    except Exception as error:  # NVIDIA's library is missing, or does not know the GPU
        return f"cannot read how much memory the GPU has: {error}"
    if free < needed:
        return f"{count} faces need {needed / 1e9:.1f} GB of each GPU, and {free / 1e9:.1f} GB are free"
    return None


def copy_to_gpus(searcher: Searcher) -> BatchingSearcher:
    """The faces of `searcher`, on the GPUs. Raises RuntimeError where these have too little memory."""
    keys: list[Keys] = [np.empty(0, np.int64)]
    owners: list[Owners] = [np.empty(0, np.int64)]
    dimension = searcher.dimension
    index = Sharded([flat_index(device, dimension) for device in range(device_count())], dimension)
    for chunk_keys, vectors, chunk_owners in searcher.contents():
        keys.append(chunk_keys)
        owners.append(chunk_owners)
        index.add(vectors)
    return BatchingSearcher(FaissSearcher(Tier.GPU, index, np.concatenate(keys), np.concatenate(owners)))


class Sharded:
    """Flat indexes that divide the vectors among them, with the part of FAISS's interface that we use.

    Places count from 0 in the order of adding. New vectors go to the smallest shard.
    """

    def __init__(self, flat: Sequence[Any], dimension: int) -> None:
        """`flat`: empty FAISS indexes, by inner product, each of which can reconstruct its vectors."""
        self.d = dimension
        self._flat = flat
        self._numbered = [faiss.IndexIDMap(index) for index in flat]
        # Each shard has a thread of its own: two threads must not use a GPU index at the same time.
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
        """`params`: FAISS's indexes take it; these have none."""
        assert params is None
        if k > tiers.GPU_MAX_K:
            return self.scan(probes, k, np.ones(self.ntotal, np.bool_))
        scores, places = self._all.search(probes, k)
        return scores, places

    def scan(self, probes: Vectors, k: int, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.float32], Keys]:
        """Among the places that are `allowed`, shape (ntotal,), on the CPU: the kernels take no selection.

        Needed only where the faces of very few people, or thousands of deleted faces, are nearer to a probe
        than the answers.
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

    def reconstruct_batch(self, places: Keys) -> Vectors:
        vectors = np.empty((len(places), self.d), np.float32)
        for shard, flat in zip(self._numbered, self._flat, strict=True):
            numbers = faiss.rev_swig_ptr(shard.id_map.data(), shard.ntotal) if shard.ntotal else np.empty(0)
            at = np.searchsorted(numbers, places)
            here = at < len(numbers)
            here[here] = numbers[at[here]] == places[here]
            if here.any():
                vectors[here] = flat.reconstruct_batch(at[here])
        return vectors

    def reconstruct_n(self, start: int, count: int) -> Vectors:
        vectors = np.empty((count, self.d), np.float32)
        for shard, flat in zip(self._numbered, self._flat, strict=True):
            places = faiss.rev_swig_ptr(shard.id_map.data(), shard.ntotal) if shard.ntotal else np.empty(0)
            first, last = np.searchsorted(places, (start, start + count)).tolist()
            if last > first:
                vectors[places[first:last] - start] = flat.reconstruct_n(first, last - first)
        return vectors


def flat_index(device: int, dimension: int) -> Any:
    """An empty float16 index on the GPU that CUDA numbers `device`."""
    resources = faiss.StandardGpuResources()  # one for each index: only the index's own thread uses it
    resources.setTempMemory(SCRATCH_BYTES)
    config = faiss.GpuIndexFlatConfig()
    config.useFloat16 = True
    config.device = device
    return faiss.GpuIndexFlatIP(resources, dimension, config)


def free_bytes(device: int) -> int:
    """Free memory of the GPU that CUDA numbers `device`. Raises what NVML raises."""
    import pynvml

    pynvml.nvmlInit()
    try:
        handle = _handle(pynvml, device)
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).free)
    finally:
        pynvml.nvmlShutdown()


def _handle(pynvml: Any, device: int) -> Any:
    """CUDA numbers only the GPUs that CUDA_VISIBLE_DEVICES names, NVML numbers all."""
    shown = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = shown[device] if device < len(shown) else str(device)
    return (
        pynvml.nvmlDeviceGetHandleByIndex(int(name))
        if name.isdecimal()
        else pynvml.nvmlDeviceGetHandleByUUID(name)
    )
