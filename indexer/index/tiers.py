"""The FAISS index behind each tier: how it is built and searched, and how much memory it takes.

Figures: `docs/reference/tiers.md`. Scores are inner products of unit vectors, which are cosines.
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
MIN_TRAINED = 1_024
"""Vectors that the codes of `compact` are trained on at least."""

FIRST_WIDTH = 64
"""Neighbours that a search asks FAISS for at least: 64 take no longer than one."""
MAX_SCAN_WIDTH = 1_024
GPU_MAX_K = 2_048
"""Neighbours that FAISS's GPU kernels return at most."""
SHORTLIST = 300
"""Faces that the codes of `compact` select; their float16 vectors are then compared."""

FEW_ROWS = 5_000
"""Up to this many vectors are copied out of an index and compared; for more, a scan tests each place of the
index (`benchmarks/filters`)."""
MAX_WIDE_CODES = 65_536
MAX_WIDE_ROWS = 2_048
"""Most rows for which a search among some people asks, to keep those of these people: by the codes of
`compact`, and in tiers that compare all vectors. Beyond, a scan of the people's rows takes less time."""

_KEY_BYTES = 17
"""Key, owner and tombstone of a face."""
OWNER_ROW_BYTES = 8
"""Entry of a row in the order by owner, which an index with person templates has."""
_PLACE_BYTES = 8
"""Entry of a face in the ID map of a GPU's shard."""


def exact_index(tier: Tier, dimension: int) -> Any:
    """An empty FAISS index of the tier `exact` or `exact-fp16`. Raises ValueError for another tier."""
    match tier:
        case Tier.EXACT:
            return faiss.IndexFlatIP(dimension)
        case Tier.EXACT_FP16:
            return faiss.IndexScalarQuantizer(
                dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
    raise ValueError(f"the tier {tier} has no exact index of its own")


def compact_codes(dimension: int, sample: Vectors) -> Any:
    """An empty index of 4-bit product quantisation codes, trained on `sample` (n, dimension)."""
    index = faiss.index_factory(dimension, f"PQ{dimension // 2}x4fs", faiss.METRIC_INNER_PRODUCT)
    index.train(sample)
    return index


def rounded(tier: Tier, vectors: Vectors) -> Vectors:
    """The vectors as the tier stores them.

    NumPy rounds a tie to even when it converts to float16, FAISS rounds it away from zero. Vectors that
    are rounded before FAISS sees them can be compared with PostgreSQL bit by bit.
    """
    return vectors if tier is Tier.EXACT else vectors.astype(np.float16).astype(np.float32)


def storage(index: Any) -> Any:
    """The part of an index that holds the vectors themselves."""
    return faiss.downcast_index(index.refine_index) if isinstance(index, faiss.IndexRefine) else index


def scan(
    index: Any, probes: Vectors, k: int, allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Exact search among the places that are `allowed`, shape (ntotal,): scores and places (n, k).

    Rows end with places -1 where fewer than k are allowed. The scan reads the stored vectors: neither the
    fast scan of the codes nor the GPU kernels support FAISS's ID selectors. Flat indexes read the vectors of
    an array of places one by one; the others test each place, so that a few vectors are sooner copied.
    """
    stored = storage(index)
    count = int(np.count_nonzero(allowed))
    if isinstance(stored, faiss.IndexFlat) and 2 * count <= len(allowed):
        places = np.flatnonzero(allowed)
        return _select(stored, probes, k, faiss.IDSelectorArray(places))
    if count <= FEW_ROWS:
        return _scan_copied(stored, probes, k, np.flatnonzero(allowed))
    if not isinstance(stored, faiss.Index):
        scores, found = stored.scan(probes, k, allowed)
        return scores, found
    return _select(stored, probes, k, faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little")))


def _select(
    stored: Any, probes: Vectors, k: int, selector: Any
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    faiss.omp_set_num_threads(min(len(probes), CORES))
    scores, places = stored.search(probes, k, params=faiss.SearchParameters(sel=selector))
    return scores, places


def _scan_copied(
    stored: Any, probes: Vectors, k: int, places: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    best, found = np.zeros((len(probes), k), np.float32), np.full((len(probes), k), -1, np.int64)
    if len(places):
        scores = probes @ stored.reconstruct_batch(places).T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
        found[:, : order.shape[1]] = places[order]
    return best, found


def widths(tier: Tier, k: int) -> Iterator[int]:
    """How many neighbours a search asks for, one number after the other, until it has k identities."""
    yield (first := max(FIRST_WIDTH, 4 * k))
    if tier is Tier.GPU and first < GPU_MAX_K:  # a second search there is cheap, a scan on the CPU is not
        yield GPU_MAX_K


def fused_width(k: int) -> int:
    """How many rows a search for k people asks for where people have templates."""
    return max(2 * FIRST_WIDTH, 8 * k)


def scan_widths() -> Iterator[int]:
    """How many neighbours each of the scans that follow asks for, without end."""
    width = FIRST_WIDTH
    while True:
        width = min(4 * width, MAX_SCAN_WIDTH)
        yield width


@lru_cache(maxsize=256)
def search_parameters(tier: Tier, k: int) -> Any:
    if tier is Tier.COMPACT:
        return faiss.IndexRefineSearchParameters(k_factor=max(2.0, SHORTLIST / k))
    return None


def bytes_per_face(tier: Tier, dimension: int) -> float:
    """Main memory that a face takes, with its key, owner and tombstone.

    What Python and FAISS need to start comes on top.
    """
    match tier:
        case Tier.GPU:
            return _KEY_BYTES + _PLACE_BYTES
        case Tier.EXACT:
            return _KEY_BYTES + 4.0 * dimension
        case Tier.EXACT_FP16:
            return _KEY_BYTES + 2.0 * dimension
        case Tier.COMPACT:
            return _KEY_BYTES + 2.0 * dimension + dimension / 4
