"""recall@1 of a tier: how often its first answer is the one of exact search.

The probes are made so that their distances to their mates are those of the model's genuine pairs. A
second picture of a person lies far from the first, nearly as far as a stranger's. Any index finds a
slightly changed copy of an enrolled vector, so such copies would prove nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from faiss.contrib.exhaustive_search import knn_ground_truth

from indexer.index import tiers
from indexer.index.searcher import FaissSearcher
from indexer.types import Vectors

PROBES = 1_000
_MIXED = 64
"""Enrolled vectors that are mixed into the direction from a mate to its probe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Of a searcher against exact search of the same vectors."""

    probes: int
    overall: float
    """Share of all probes with the same first answer, 0 to 1."""
    above_threshold: float
    """The same, among probes whose exact first answer reaches the threshold; 1 where none does."""


def genuine_like(vectors: Vectors, cosines: Sequence[float], count: int, seed: int) -> Vectors:
    """Probes (count, dimension) for mates drawn from `vectors`.

    `cosines`: quantiles of the scores of genuine pairs, evenly spaced from 0 to 1. A probe is
    c mate + sqrt(1 - c^2) u, where u is a unit vector orthogonal to the mate, drawn from the distribution
    of the vectors.
    """
    rng = np.random.default_rng(seed)
    mates = vectors[rng.integers(len(vectors), size=count)]
    weights = rng.standard_normal((count, _MIXED)).astype(np.float32)
    others = vectors[rng.integers(len(vectors), size=(count, _MIXED))]
    across = np.einsum("cm,cmd->cd", weights, others)
    across -= np.einsum("cd,cd->c", across, mates)[:, np.newaxis] * mates
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    levels = np.linspace(0, 1, len(cosines))
    c = np.interp(rng.random(count), levels, cosines).astype(np.float32)[:, np.newaxis]
    probes: Vectors = c * mates + np.sqrt(1 - c**2) * across
    return probes


def measure(searcher: FaissSearcher, probes: Vectors, threshold: float) -> Recall:
    """Compares the first answers with those of a scan of the vectors as `searcher` stores them."""

    def vectors() -> Iterator[Vectors]:
        for _, chunk, _ in searcher.contents():
            yield chunk

    faiss.omp_set_num_threads(tiers.CORES)
    exact_scores, places = knn_ground_truth(probes, vectors(), 1, metric_type=faiss.METRIC_INNER_PRODUCT)
    _, found = searcher.search(probes, 1)
    same = found[:, 0] == searcher.keys[places[:, 0]]
    above = exact_scores[:, 0] >= threshold
    return Recall(
        probes=len(probes),
        overall=float(same.mean()),
        above_threshold=float(same[above].mean()) if above.any() else 1.0,
    )
