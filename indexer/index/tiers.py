"""The FAISS index behind each tier: its recipe, its search parameters, what it takes of memory.

Recipes and figures: `docs/operations.md`. Scores are inner products of unit vectors: cosines.
"""

import os
from functools import lru_cache
from typing import Any

import faiss
import numpy as np

from indexer.types import Tier, Vectors

CORES = os.cpu_count() or 1
TRAINED = frozenset({Tier.COMPACT, Tier.IVF})
INEXACT = TRAINED | {Tier.GRAPH}
"""Tiers whose answers are measured against exact search's."""
MIN_TRAINED = 1_024
"""Fewer vectors are not worth a code of their own."""

SHORTLIST = 300
"""Faces that the codes of `compact` hand on to be compared again."""
NPROBE_SHARE = 0.25
"""Of its cells that `ivf` looks into."""
EF_SEARCH = 256
"""Candidates that `graph` keeps in hand."""

_KEY_BYTES = 9
"""Key and tombstone."""
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
    return index


@lru_cache(maxsize=256)
def search_parameters(tier: Tier, k: int) -> Any:
    match tier:
        case Tier.COMPACT | Tier.IVF:
            return faiss.IndexRefineSearchParameters(k_factor=max(2.0, SHORTLIST / k))
        case Tier.GRAPH:
            return faiss.SearchParametersHNSW(efSearch=max(EF_SEARCH, 2 * k))
    return None


def bytes_per_face(tier: Tier, dimension: int) -> float:
    """Of the machine's memory, keys and tombstones with it; not what Python and FAISS need to start."""
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
