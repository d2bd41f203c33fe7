"""Impostor scores of a gallery: the mean and spread of each probe, and all high scores.

Probes differ: some faces resemble every other face a little (the wolves and lambs of Doddington et al. 1998).
So a probe's scores are standardised, z = (score - mean) / spread. The z vary much less from probe to probe
than the scores do. Two faces of the same person are never compared.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.mean_template import mean_templates
from indexer.types import PersonScore, Vectors

MAX_PROBES = 4_000
"""Of more people, this many are drawn as probes. They are compared with everyone."""
MAX_LISTED = 400_000
LISTED_SHARE = 0.02
"""The share of comparisons, those with the highest z, that are kept one by one: MAX_LISTED at most."""
_BLOCK = 16_000_000
"""Comparisons at a time, which bounds the memory."""
_BULK = 200_000
"""Size of the random sample of all z."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impostors:
    people: int
    """Enrolled people. Each probe is compared with all of them but its own."""
    faces: int
    probes: NDArray[np.int64]
    """Shape (m,): the person of each probe, from 0 to `people` - 1."""
    mean: NDArray[np.float64]
    """Shape (m,): the mean score of each probe."""
    spread: NDArray[np.float64]
    """Shape (m,): the standard deviation of its scores."""
    bulk: NDArray[np.float64]
    """Shape (b,): a random sample of all z, ascending."""
    limit: float
    """Every comparison with a higher z is listed."""
    probe: NDArray[np.int64]
    """Shape (k,): the probe of each listed comparison, as an index of `probes`."""
    other: NDArray[np.int64]
    """Shape (k,): the person compared with it."""
    z: NDArray[np.float64]
    """Shape (k,): its z."""

    @property
    def comparisons(self) -> int:
        return len(self.probes) * (self.people - 1)

    @property
    def distinct(self) -> float:
        """Pairs of people, each counted once. If both are probes, they were compared twice."""
        return self.comparisons - len(self.probes) * (len(self.probes) - 1) / 2

    @property
    def scores(self) -> NDArray[np.float64]:
        """Shape (k,): the score of each listed comparison."""
        return np.asarray(self.mean[self.probe] + self.z * self.spread[self.probe])


def collect(
    vectors: Vectors,
    people: NDArray[np.int64],
    person_score: PersonScore = PersonScore.NEAREST,
    *,
    seed: int = 0,
) -> Impostors:
    """`vectors`, shape (n, dimension): of length 1; `people`, shape (n,): a number for each person.

    A person's score is made of the scores of their faces as in a search of a gallery with that
    `person_score`. One face of each person, drawn with `seed`, is the probe. The computation is exact, in
    blocks. Needs three people.
    """
    rng = np.random.default_rng(seed)
    order = np.argsort(people, kind="stable")
    enrolled = vectors[order]
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    n = len(starts)
    templates, have = mean_templates(enrolled, starts)
    fused = person_score is PersonScore.FUSED and bool(have.any())
    chosen = np.arange(n) if n <= MAX_PROBES else np.sort(rng.choice(n, MAX_PROBES, replace=False))
    rows = starts[chosen] + rng.integers(0, counts[chosen])
    comparisons = len(chosen) * (n - 1)
    share = min(LISTED_SHARE, MAX_LISTED / comparisons)
    means, spreads, bulk, listed = [], [], [], []
    limit = np.inf
    step = max(1, min(256, _BLOCK // len(vectors)))
    for start in range(0, len(chosen), step):
        block = slice(start, start + step)
        scores = (enrolled[rows[block]] @ enrolled.T).astype(np.float32)
        best = np.maximum.reduceat(scores, starts, axis=1) if n < len(enrolled) else scores
        if fused:
            of_templates = (enrolled[rows[block]] @ templates.T).astype(np.float32)
            best = np.where(have, (best + of_templates) / np.float32(2), best)
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
