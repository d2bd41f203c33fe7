"""How strangers score in a gallery: for each probe the mean and the spread, and all high scores by name.

Probes differ: some faces resemble everybody a little (the sheep and wolves of Doddington et al. 1998). So
a probe's scores are told in its own deviations, z = (score - mean) / spread, which are much more alike
from probe to probe than the scores are. No face is ever compared with another of the same person.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

MOST_PROBES = 4_000
"""Of more people so many are drawn as probes; all are searched among."""
MOST_LISTED = 400_000
LISTED_SHARE = 0.02
"""Of the highest z, and at most MOST_LISTED comparisons, are kept one by one."""
_BLOCK = 16_000_000
"""Comparisons at a time: what bounds the memory."""
_BULK = 200_000
"""z that are kept of all, high or low, drawn evenly."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impostors:
    people: int
    """Who are enrolled: among whom each probe was searched, but for itself."""
    faces: int
    probes: NDArray[np.int64]
    """Shape (m,): whose face each probe is, a number below `people`."""
    mean: NDArray[np.float64]
    """Shape (m,)."""
    spread: NDArray[np.float64]
    """Shape (m,): standard deviation."""
    bulk: NDArray[np.float64]
    """Shape (b,): z of all, a sample."""
    limit: float
    """Of z: every comparison above it is listed."""
    probe: NDArray[np.int64]
    """Shape (k,): of the listed comparisons, the place in `probes`."""
    other: NDArray[np.int64]
    """Shape (k,): who was compared with it."""
    z: NDArray[np.float64]
    """Shape (k,)."""

    @property
    def comparisons(self) -> int:
        return len(self.probes) * (self.people - 1)

    @property
    def distinct(self) -> float:
        """Pairs of people, each once: where both are probes they were compared twice."""
        return self.comparisons - len(self.probes) * (len(self.probes) - 1) / 2

    @property
    def scores(self) -> NDArray[np.float64]:
        """Shape (k,): of the listed comparisons."""
        return np.asarray(self.mean[self.probe] + self.z * self.spread[self.probe])


def collect(vectors: Vectors, people: NDArray[np.int64], *, seed: int = 0) -> Impostors:
    """`vectors` (n, dimension), of length 1; `people` (n,): whose they are, any numbers.

    A person's score is that of the nearest of their faces, as in a search. One face of each is a probe,
    drawn by `seed`. Exact, in blocks. Needs three people.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(people, kind="stable")
    enrolled = vectors[order]
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    n = len(starts)
    chosen = np.arange(n) if n <= MOST_PROBES else np.sort(rng.choice(n, MOST_PROBES, replace=False))
    rows = starts[chosen] + rng.integers(0, counts[chosen])
    comparisons = len(chosen) * (n - 1)
    share = min(LISTED_SHARE, MOST_LISTED / comparisons)
    means, spreads, bulk, listed = [], [], [], []
    limit = np.inf
    step = max(1, min(256, _BLOCK // len(vectors)))
    for start in range(0, len(chosen), step):
        block = slice(start, start + step)
        scores = (enrolled[rows[block]] @ enrolled.T).astype(np.float32)
        best = np.maximum.reduceat(scores, starts, axis=1) if n < len(enrolled) else scores
        own = np.arange(len(best)), chosen[block]
        best[own] = 0
        mean = best.sum(axis=1, dtype=np.float64) / (n - 1)
        spread = np.sqrt(np.maximum((best.astype(np.float64) ** 2).sum(axis=1) / (n - 1) - mean**2, 1e-12))
        z = (best - mean[:, None]) / spread[:, None]
        z[own] = -np.inf
        if start == 0:
            limit = float(np.quantile(z[np.isfinite(z)], 1 - share))
        probe, other = np.nonzero(z > limit)
        listed.append((probe + start, other, z[probe, other]))
        means.append(mean)
        spreads.append(spread)
        sample = rng.choice(z.ravel(), max(1, _BULK * len(z) // len(chosen)))
        bulk.append(sample[np.isfinite(sample)])
    probe, other, high = (np.concatenate(part) for part in zip(*listed, strict=True))
    return Impostors(
        people=n,
        faces=len(vectors),
        probes=chosen,
        mean=np.concatenate(means),
        spread=np.concatenate(spreads),
        bulk=np.sort(np.concatenate(bulk)),
        limit=limit,
        probe=probe,
        other=other,
        z=high.astype(np.float64),
    )
