"""Builds an index of a tier from vectors that arrive in batches, and measures the recall of `compact`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np

from indexer.index import recall, tiers
from indexer.index.digest import Digest
from indexer.index.recall import Recall
from indexer.index.searcher import CHUNK, FaissSearcher
from indexer.types import Keys, Owners, Tier, Vectors

SAMPLE = 65_536
"""Vectors that the codes are trained on and that probes are made from, at most."""

AddBatch = Callable[[Keys, Vectors, Owners], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequirement:
    """What `compact` must reach to be used."""

    genuine_cosines: Sequence[float]
    """Quantiles of the model's genuine scores, evenly spaced from 0 to 1."""
    threshold: float
    """Score from which on an answer counts as a match in a gallery of this size."""
    min_recall: float
    """Least share of probes whose first answer must be the one of exact search, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    searcher: FaissSearcher
    digest: Digest
    recall: Recall | None
    """Of `compact`, also where it was rejected. None where nothing was measured."""
    rejected: str | None
    """Why the index is not of the requested tier."""


def build(
    tier: Tier,
    dimension: int,
    feed: Callable[[AddBatch], object],
    requirement: RecallRequirement,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> BuildResult:
    """An index of the tier `exact`, `exact-fp16` or `compact`.

    `feed` is called once, with a function that it hands every batch to: keys (n,), ascending, vectors
    (n, dimension) and owners (n,). `progress` is called with the number of vectors so far. Where
    `compact` misses `requirement.min_recall`, the result is `exact-fp16`, whose vectors `compact` stores
    anyway. Memory: the index and 65,536 vectors.
    """
    faiss.omp_set_num_threads(tiers.CORES)
    collector = _Collector(tier, dimension, progress)
    feed(collector.add)
    keys, owners = collector.keys(), collector.owners()
    stored, digest = collector.stored, collector.digest
    if tier is not Tier.COMPACT:
        exact = FaissSearcher(tier, stored, keys, owners)
        return BuildResult(searcher=exact, digest=digest, recall=None, rejected=None)
    exact = FaissSearcher(Tier.EXACT_FP16, stored, keys, owners)
    if len(keys) < tiers.MIN_TRAINED:
        few = f"{len(keys)} faces are too few to train on; {tiers.MIN_TRAINED} are required"
        return BuildResult(searcher=exact, digest=digest, recall=None, rejected=few)
    sample = collector.sample()
    compact = FaissSearcher(Tier.COMPACT, _compact_index(stored, sample), keys, owners)
    probes = recall.genuine_like(sample, requirement.genuine_cosines, recall.PROBES, seed=len(keys))
    measured = recall.measure(compact, probes, requirement.threshold)
    rejected = _shortfall(measured, requirement.min_recall)
    searcher = compact if rejected is None else exact
    return BuildResult(searcher=searcher, digest=digest, recall=measured, rejected=rejected)


def _shortfall(measured: Recall, required: float) -> str | None:
    if measured.overall >= required:
        return None
    return (
        f"its recall@1 against exact search is {measured.overall:.4f} in {measured.probes} probes"
        f" ({measured.above_threshold:.4f} of those above the threshold); {required} is required"
    )


def _compact_index(stored: Any, sample: Vectors) -> Any:
    """Codes of the vectors in `stored`, refined by these vectors."""
    codes = tiers.compact_codes(stored.d, sample)
    for start in range(0, stored.ntotal, CHUNK):
        codes.add(stored.reconstruct_n(start, min(CHUNK, stored.ntotal - start)))
    return faiss.IndexRefine(codes, stored)


class _Collector:
    """Stores vectors as they arrive, and a uniform sample (reservoir sampling, Vitter's algorithm R)."""

    def __init__(self, tier: Tier, dimension: int, progress: Callable[[int], object]) -> None:
        self._tier = tier
        self.stored = tiers.exact_index(Tier.EXACT if tier is Tier.EXACT else Tier.EXACT_FP16, dimension)
        self.digest = Digest()
        self._keys: list[Keys] = []
        self._owners: list[Owners] = []
        self._sample = np.empty((SAMPLE, dimension), np.float32)
        self._count = 0
        self._rng = np.random.default_rng(0)
        self._progress = progress

    def add(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        self.stored.add(tiers.rounded(self._tier, vectors))
        self.digest.add(keys, vectors)
        self._keys.append(keys)
        self._owners.append(owners)
        if self._tier is Tier.COMPACT:
            numbers = np.arange(self._count, self._count + len(vectors))
            places = np.where(numbers < SAMPLE, numbers, self._rng.integers(0, numbers + 1))
            chosen = places < SAMPLE
            self._sample[places[chosen]] = vectors[chosen]
        self._count += len(vectors)
        self._progress(self._count)

    def keys(self) -> Keys:
        return np.concatenate(self._keys) if self._keys else np.empty(0, np.int64)

    def owners(self) -> Owners:
        return np.concatenate(self._owners) if self._owners else np.empty(0, np.int64)

    def sample(self) -> Vectors:
        return self._sample[: min(self._count, SAMPLE)]
