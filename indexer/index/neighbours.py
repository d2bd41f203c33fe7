"""The nearest neighbours of many vectors among many others: what a clustering starts from."""

from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.types import Tier, Vectors

EXACT_UP_TO = 100_000
"""Vectors that are compared with as many probes exactly. For more comparisons, `compact` takes a fraction of
the time, although its index is built first."""
MIN_LINK_RECALL = 0.99
"""Share of the exact links that `compact` must find in a sample; otherwise the search is exact."""
SAMPLED = 1_000
"""Probes of the sample."""
BATCH = 4_096
"""Probes that are searched at once; the least steps in which progress is reported."""

_Search = Callable[[Vectors, int], tuple[NDArray[np.float32], NDArray[np.int64]]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Pairs of vectors whose inner product reaches a threshold."""

    probes: NDArray[np.int64]
    """Shape (links,): rows of the vectors that were searched with. A pair of two probes may come twice."""
    others: NDArray[np.int64]
    """Shape (links,): rows of their neighbours."""
    full: NDArray[np.int64]
    """Shape (m,), ascending: probes whose k neighbours all reach the threshold. They may have more links."""
    exact: bool
    """Whether every probe was compared with every vector."""


def links(
    vectors: Vectors,
    probes: NDArray[np.int64],
    k: int,
    threshold: float,
    progress: Callable[[int], object] = lambda _: None,
) -> Links:
    """For each of the rows `probes`, up to `k` other rows whose inner product with it reaches `threshold`.

    `vectors`: shape (n, dimension), of length 1 or less. Up to 100,000 rows, and for few probes, the search
    is exact; otherwise it is that of the tier `compact`, if that finds 99 % of the links of a sample.
    `progress` gets the number of probes that are done. Memory: for an exact search little more than the
    links; for `compact` 2.25 bytes for each component of a vector.
    """
    wide = min(k + 1, len(vectors))  # a probe finds itself, too
    search, exact = _exact(vectors), True
    faiss.omp_set_num_threads(tiers.CORES)
    if len(vectors) * len(probes) > EXACT_UP_TO**2 and len(vectors) > EXACT_UP_TO:
        compact = _compact(vectors)
        if _link_recall(vectors, compact, search, probes, wide, threshold) >= MIN_LINK_RECALL:
            search, exact = compact, False
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    full: list[NDArray[np.int64]] = []
    for start in range(0, len(probes), BATCH):
        batch = probes[start : start + BATCH]
        rows, others = _above(search, vectors, batch, wide, threshold)
        found.append((rows, others))
        counts = np.bincount(np.searchsorted(batch, rows), minlength=len(batch))
        full.append(batch[(counts >= k) & (k < len(vectors) - 1)])
        progress(start + len(batch))
    nothing = np.empty(0, np.int64)
    return Links(
        probes=np.concatenate([nothing, *(rows for rows, _ in found)]),
        others=np.concatenate([nothing, *(others for _, others in found)]),
        full=np.concatenate([nothing, *full]),
        exact=exact,
    )


def _exact(vectors: Vectors) -> _Search:
    def search(probes: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores, places = faiss.knn(probes, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, places

    return search


def _compact(vectors: Vectors) -> _Search:
    dimension = vectors.shape[1]
    step = -(-len(vectors) // EXACT_UP_TO)
    index = faiss.IndexRefine(
        tiers.compact_codes(dimension, np.ascontiguousarray(vectors[::step])),
        tiers.exact_index(Tier.EXACT_FP16, dimension),
    )
    for start in range(0, len(vectors), EXACT_UP_TO):
        index.add(vectors[start : start + EXACT_UP_TO])

    def search(probes: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        scores, places = index.search(probes, k, params=tiers.search_parameters(Tier.COMPACT, k))
        return scores, places

    return search


def _link_recall(
    vectors: Vectors,
    compact: _Search,
    exact: _Search,
    probes: NDArray[np.int64],
    k: int,
    threshold: float,
) -> float:
    """Share of the links that exact search finds; 1 where there is none."""
    sample = probes[:: -(-len(probes) // SAMPLED)]
    expected, found = (
        {(row, other) for row, other in zip(*(part.tolist() for part in pairs), strict=True)}
        for pairs in (_above(search, vectors, sample, k, threshold) for search in (exact, compact))
    )
    return len(expected & found) / len(expected) if expected else 1.0


def _above(
    search: _Search, vectors: Vectors, rows: NDArray[np.int64], k: int, threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The links of `rows`, without those to themselves: rows and others, each of shape (links,)."""
    scores, places = search(np.ascontiguousarray(vectors[rows]), k)
    probe, column = np.nonzero((places >= 0) & (scores >= threshold))
    others = places[probe, column]
    other = others != rows[probe]
    return rows[probe][other], others[other]
