"""The FAISS index behind each tier: its recipe, its search parameters, what it takes of memory.

Recipes and figures: `docs/reference/tiers.md`. Scores are inner products of unit vectors: cosines.
"""

import os
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.types import Tier, Vectors

CORES = os.cpu_count() or 1
TRAINED = frozenset({Tier.COMPACT, Tier.IVF})
INEXACT = TRAINED | {Tier.GRAPH}
"""Tiers whose answers are measured against exact search's."""
MIN_TRAINED = 1_024
"""Fewer vectors are not worth a code of their own."""

FIRST_WIDTH = 64
"""Faces that are asked for at least: so many take no longer than one."""
MAX_SCAN_WIDTH = 1_024
GPU_MAX_K = 2_048
"""Neighbours that FAISS's kernels find at once."""
SHORTLIST = 300
"""Faces that the codes of `compact` hand on to be compared again."""
NPROBE_SHARE = 0.25
"""Of its cells that `ivf` looks into."""
EF_SEARCH = 256
"""Candidates that `graph` keeps in hand."""

_KEY_BYTES = 17
"""Key, owner and tombstone."""
_PLACE_BYTES = 8
"""In which of the cards' vectors is which."""


def untrained(tier: Tier, dimension: int) -> Any:
    """An empty index that can be added to at once. Raises ValueError."""
    match tier:
        case Tier.EXACT:
            return faiss.IndexFlatIP(dimension)
        case Tier.EXACT_FP16:
            return _float16(dimension)
        case Tier.GRAPH:
            index = faiss.index_factory(dimension, "HNSW32,SQfp16", faiss.METRIC_INNER_PRODUCT)
            index.is_trained = True  # float16 has nothing to learn
            return index
    raise ValueError(f"the tier {tier} has to be trained")


def codes(tier: Tier, dimension: int, count: int, sample: Vectors) -> Any:
    """An empty index of codes, trained on `sample` (n, dimension), for `count` vectors."""
    recipe = f"PQ{dimension // 2}x4fs"
    if tier is Tier.IVF:
        recipe = f"IVF{_cells(count)},{recipe}"
    index = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    if tier is Tier.IVF:
        index.nprobe = max(1, int(index.nlist * NPROBE_SHARE))
    return index


def rounded(tier: Tier, vectors: Vectors) -> Vectors:
    """As the tier keeps them. To float16 NumPy rounds a tie to even and FAISS away from zero: what is
    rounded before FAISS sees it can be compared with the truth bit by bit."""
    return vectors if tier is Tier.EXACT else vectors.astype(np.float16).astype(np.float32)


def storage(index: Any) -> Any:
    """The part of an index that holds the vectors themselves."""
    if isinstance(index, faiss.IndexRefine):
        return faiss.downcast_index(index.refine_index)
    if isinstance(index, faiss.IndexHNSW):
        return faiss.downcast_index(index.storage)
    return index


def scan(
    index: Any, probes: Vectors, k: int, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Exact search among the places that are `allowed`, shape (ntotal,); -1 where there are fewer than k.

    FAISS's selections are honoured by what holds the vectors, and not by the fast scan of the codes nor by
    the GPU's kernels.
    """
    stored = storage(index)
    if not isinstance(stored, faiss.Index):
        scores, places = stored.scan(probes, k, allowed)
        return scores, places
    selector = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))
    faiss.omp_set_num_threads(min(len(probes), CORES))
    scores, places = stored.search(probes, k, params=faiss.SearchParameters(sel=selector))
    return scores, places


def widths(tier: Tier, k: int) -> Iterator[int]:
    """How many faces are asked for, one number after the other, until they are of k identities."""
    yield (first := max(FIRST_WIDTH, 4 * k))
    if tier is Tier.GPU and first < GPU_MAX_K:  # another look at the GPU is cheap, a scan beside it is not
        yield GPU_MAX_K


def scan_widths() -> Iterator[int]:
    """The same for the scans that follow, without end."""
    width = FIRST_WIDTH
    while True:
        width = min(4 * width, MAX_SCAN_WIDTH)
        yield width


@lru_cache(maxsize=256)
def search_parameters(tier: Tier, k: int) -> Any:
    match tier:
        case Tier.COMPACT | Tier.IVF:
            return faiss.IndexRefineSearchParameters(k_factor=max(2.0, SHORTLIST / k))
        case Tier.GRAPH:
            return faiss.SearchParametersHNSW(efSearch=max(EF_SEARCH, 2 * k))
    return None


def bytes_per_face(tier: Tier, dimension: int) -> float:
    """Of the machine's memory, with keys, owners and tombstones; not what Python and FAISS need to start."""
    if tier is Tier.GPU:
        return _KEY_BYTES + _PLACE_BYTES
    vector = (4.0 if tier is Tier.EXACT else 2.0) * dimension
    code = dimension / 4 if tier in TRAINED else 0.0
    links = {Tier.GRAPH: 4.0 * 2 * 32 * 1.07 + 12, Tier.IVF: 8.0}.get(tier, 0.0)
    return vector + code + links + _KEY_BYTES


def _float16(dimension: int) -> Any:
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def _cells(count: int) -> int:
    """A power of two near sqrt(n)/4: 256 at a million."""
    return int(2 ** max(2, round(count**0.5 / 4).bit_length() - 1))
