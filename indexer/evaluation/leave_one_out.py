"""How well a model identifies the people of a gallery, measured on the gallery itself.

Each face is taken out and searched for among the rest. Its person's best other face makes the search
mated; the best face of anybody else is what a stranger would have scored, so that every face serves as a
non-mated search too. FPIR and FNIR as in `identification`. Intervals: bootstrap by identity, 95 %
(Efron and Tibshirani 1993, ch. 13), since the faces of one person stand and fall together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

NO_SCORE = -2.0
"""Below every cosine: the face has no embedding, or there is nobody to find."""
_BLOCK = 512
RESAMPLES = 500


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """One for each probe."""

    person: NDArray[np.int64]
    mated: NDArray[np.bool_]
    """Whether the person has another face enrolled."""
    own: NDArray[np.float32]
    """Score of the person's best other face."""
    other: NDArray[np.float32]
    """Score of the best face of anybody else."""
    nearest: NDArray[np.int64]
    """Place of the best face of all others among the enrolled."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.own > self.other)


def search(
    vectors: Vectors, present: NDArray[np.bool_], people: NDArray[np.int64], probes: NDArray[np.int64]
) -> Searches:
    """`vectors` (n, dimension) with `present` (n,) saying which are there; `people` (n,) whose they are;
    `probes` (m,): places of the faces that are searched for. Exact, in blocks."""
    own = np.full(len(probes), NO_SCORE, np.float32)
    other = np.full(len(probes), NO_SCORE, np.float32)
    nearest = np.full(len(probes), -1, np.int64)
    order = np.argsort(people, kind="stable")
    starts = np.searchsorted(people[order], people[probes], "left")
    ends = np.searchsorted(people[order], people[probes], "right")
    for start in range(0, len(probes), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(probes)))
        scores = vectors[probes[block]] @ vectors.T
        scores[:, ~present] = NO_SCORE
        scores[np.arange(len(scores)), probes[block]] = NO_SCORE
        nearest[block] = scores.argmax(axis=1)
        for row, place in enumerate(range(block.start, block.stop)):
            theirs = order[starts[place] : ends[place]]
            own[place] = scores[row, theirs].max()
            scores[row, theirs] = NO_SCORE
        other[block] = scores.max(axis=1)
    lost = ~present[probes]
    own[lost], other[lost], nearest[lost] = NO_SCORE, NO_SCORE, -1
    return Searches(person=people[probes], mated=ends - starts > 1, own=own, other=other, nearest=nearest)


def threshold_at(other: NDArray[np.float32], fpir: float) -> float:
    """The lowest score that a share of at most `fpir` of the non-mated searches exceeds."""
    allowed = int(fpir * len(other) + 1e-9)
    return float(np.partition(other, len(other) - 1 - allowed)[len(other) - 1 - allowed])


def det(searches: Searches, fpirs: NDArray[np.float64]) -> list[list[float]]:
    """(FPIR, FNIR) at each of `fpirs` that so many searches can show. Needs a mated search."""
    other = np.sort(searches.other)
    allowed = np.floor(fpirs[fpirs * len(other) >= 1] * len(other) + 1e-9).astype(np.int64)
    allowed = np.minimum(np.unique(allowed), len(other) - 1)
    own = searches.own[searches.mated & searches.correct]
    limits = other[len(other) - 1 - allowed]
    found = (own[:, None] > limits).sum(axis=0) / searches.mated.sum()
    return [[float(a) / len(other), 1.0 - float(f)] for a, f in zip(allowed, found, strict=True)]


def rates(searches: Searches, fpirs: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """rank-1, and FNIR with its threshold at each FPIR, with intervals; None where nobody has two faces."""
    mated = searches.mated
    if not mated.any():
        return {"rank1": None, "mated": 0, "nonmated": len(mated), "at_fpir": {}}
    people, inverse = np.unique(searches.person, return_inverse=True)
    rng = np.random.default_rng(seed)
    faces = [np.flatnonzero(inverse == i) for i in range(len(people))] if len(people) < 20_000 else None
    samples = []
    for _ in range(RESAMPLES if faces is not None and len(mated) <= 20_000 else 100):
        if faces is None:
            samples.append(rng.integers(0, len(mated), len(mated)))
        else:
            samples.append(np.concatenate([faces[i] for i in rng.integers(0, len(people), len(people))]))

    def rank1(chosen: NDArray[np.int64]) -> float:
        which = chosen[mated[chosen]]
        return float(searches.correct[which].mean()) if len(which) else float("nan")

    def fnir(chosen: NDArray[np.int64], fpir: float) -> float:
        limit = threshold_at(searches.other[chosen], fpir)
        which = chosen[mated[chosen]]
        found = searches.correct[which] & (searches.own[which] > limit)
        return 1.0 - float(found.mean()) if len(which) else float("nan")

    every = np.arange(len(mated))
    return {
        "rank1": rank1(every),
        "rank1_interval": _interval([rank1(sample) for sample in samples]),
        "mated": int(mated.sum()),
        "nonmated": len(mated),
        "at_fpir": {
            str(fpir): {
                "fnir": fnir(every, fpir),
                "interval": _interval([fnir(sample, fpir) for sample in samples]),
                "threshold": threshold_at(searches.other, fpir),
            }
            for fpir in fpirs
        },
    }


def _interval(values: Sequence[float]) -> list[float]:
    return [float(v) for v in np.nanquantile(values, (0.025, 0.975))]
