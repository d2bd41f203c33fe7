"""Unit vectors and empty indexes for tests of the index."""

import numpy as np

from indexer.index import tiers
from indexer.index.searcher import FaissSearcher
from indexer.types import Tier, Vectors


def unit_vectors(seed: int, count: int, dimension: int) -> Vectors:
    """Shape (count, dimension): directions drawn at random."""
    vectors = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def empty_searcher(tier: Tier, dimension: int) -> FaissSearcher:
    """`tier`: `exact` or `exact-fp16`. Raises ValueError for another."""
    nothing = np.empty(0, np.int64)
    return FaissSearcher(tier, tiers.exact_index(tier, dimension), nothing, nothing)
