"""Makes an index of a tier out of vectors that arrive in batches, and measures what it is worth."""

import logging
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

log = logging.getLogger(__name__)

SAMPLE = 65_536
"""Vectors that codes are trained on, and probes are made from."""

AddBatch = Callable[[Keys, Vectors, Owners], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequirement:
    """What a compressed tier is held to."""

    genuine_cosines: Sequence[float]
    """Quantiles of the model's genuine scores, evenly spaced from 0 to 1."""
    threshold: float
    """Score from which on an answer counts as a match in a gallery of this size."""
    min_recall: float
    """Least share of probes whose first answer must be the exact one, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildResult:
    searcher: FaissSearcher
    digest: Digest
    recall: Recall | None
    """Of the target tier; None for the exact ones."""
    rejected: str | None
    """Why the target tier is not the one that was built."""


def build(
    tier: Tier,
    dimension: int,
    feed: Callable[[AddBatch], object],
    requirement: RecallRequirement,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> BuildResult:
    """An index of `tier` with all that `feed` hands over; exact, where the tier falls short.

    `feed` is called once with a function that takes keys (n,), ascending, vectors (n, dimension) and
    owners (n,); `progress` is told how many vectors have come. Memory: the index, and 65,536 vectors.
    `compact` that falls under `requirement.min_recall` becomes `exact-fp16`, which it can do on the spot;
    `graph` and `ivf` were asked for in the knowledge of their loss, which is measured and logged.
    """
    faiss.omp_set_num_threads(tiers.CORES)
    gathering = _Gathering(tier, dimension, progress)
    feed(gathering.take)
    keys, owners, digest = gathering.keys(), gathering.owners(), gathering.digest
    stored = gathering.stored
    if tier not in tiers.INEXACT:
        searcher = FaissSearcher(tier, stored, keys, owners)
        return BuildResult(searcher=searcher, digest=digest, recall=None, rejected=None)
    if tier in tiers.TRAINED and len(keys) < tiers.MIN_TRAINED:
        return BuildResult(
            searcher=FaissSearcher(Tier.EXACT_FP16, stored, keys, owners),
            digest=digest,
            recall=None,
            rejected=f"{len(keys)} faces are too few to train on; {tiers.MIN_TRAINED} are required",
        )
    sample = gathering.sample()
    searcher = FaissSearcher(tier, _encoded(tier, stored, sample), keys, owners)
    if not len(keys):
        return BuildResult(searcher=searcher, digest=digest, recall=None, rejected=None)
    probes = recall.genuine_like(sample, requirement.genuine_cosines, recall.PROBES, seed=len(keys))
    measured = recall.measure(searcher, probes, requirement.threshold)
    rejected = None
    if measured.overall < requirement.min_recall:
        shortfall = (
            f"its first answer is exact search's in {measured.overall:.4f} of {measured.probes} probes"
            f" ({measured.above_threshold:.4f} of those above the threshold);"
            f" {requirement.min_recall} is required"
        )
        if tier is Tier.COMPACT:
            rejected = shortfall
            searcher = FaissSearcher(Tier.EXACT_FP16, stored, keys, owners)
        log.warning("the tier %s of %d faces: %s", tier, len(keys), shortfall)
    return BuildResult(searcher=searcher, digest=digest, recall=measured, rejected=rejected)


def _encoded(tier: Tier, stored: Any, sample: Vectors) -> Any:
    """The index of a tier over the vectors in `stored`."""
    if tier is Tier.GRAPH:
        index = tiers.untrained(tier, stored.d)
    else:
        index = tiers.codes(tier, stored.d, stored.ntotal, sample)
    for start in range(0, stored.ntotal, CHUNK):
        index.add(stored.reconstruct_n(start, min(CHUNK, stored.ntotal - start)))
    return index if tier is Tier.GRAPH else faiss.IndexRefine(index, stored)


class _Gathering:
    """Vectors as they come, and a fair sample of them (reservoir sampling, Vitter's algorithm R)."""

    def __init__(self, tier: Tier, dimension: int, progress: Callable[[int], object]) -> None:
        self._tier = tier
        self.stored = tiers.untrained(Tier.EXACT if tier is Tier.EXACT else Tier.EXACT_FP16, dimension)
        self.digest = Digest()
        self._keys: list[Keys] = []
        self._owners: list[Owners] = []
        self._sample = np.empty((SAMPLE, dimension), np.float32)
        self._seen = 0
        self._rng = np.random.default_rng(0)
        self._progress = progress
        self._samples = tier in tiers.INEXACT

    def take(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        self.stored.add(tiers.rounded(self._tier, vectors))
        self.digest.add(keys, vectors)
        self._keys.append(keys)
        self._owners.append(owners)
        if self._samples:
            numbers = np.arange(self._seen, self._seen + len(vectors))
            places = np.where(numbers < SAMPLE, numbers, self._rng.integers(0, numbers + 1))
            chosen = places < SAMPLE
            self._sample[places[chosen]] = vectors[chosen]
        self._seen += len(vectors)
        self._progress(self._seen)

    def keys(self) -> Keys:
        return np.concatenate(self._keys) if self._keys else np.empty(0, np.int64)

    def owners(self) -> Owners:
        return np.concatenate(self._owners) if self._owners else np.empty(0, np.int64)

    def sample(self) -> Vectors:
        return self._sample[: min(self._seen, SAMPLE)]
