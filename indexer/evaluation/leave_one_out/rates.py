"""The rates of leave-one-out identification.

Each face is taken out of the gallery and searched for among the rest. The search is mated if the person has
another face. The best face of another person is the score of a stranger: so each face is a non-mated search
as well. FPIR and FNIR are defined as in `identification.rates`, the intervals as in `intervals`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.types import Vectors

NO_SCORE = -2.0
"""Below every cosine: the face has no embedding, or there is no other face."""
_BLOCK = 512
_MANY = 20_000
_RESAMPLES_OF_MANY = 100
"""For more than `_MANY` probes: the bounds of the intervals are less precise, but take only seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """The results of all searches, one item per probe."""

    person: NDArray[np.int64]
    mated: NDArray[np.bool_]
    """Whether the person has another face enrolled."""
    own: NDArray[np.float32]
    """The score of the person's best other face."""
    other: NDArray[np.float32]
    """The score of the best face of another person."""
    nearest: NDArray[np.int64]
    """The index of the best other face among the enrolled."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.own > self.other)


def search(
    vectors: Vectors, present: NDArray[np.bool_], people: NDArray[np.int64], probes: NDArray[np.int64]
) -> Searches:
    """Exact search in blocks.

    `vectors` (n, dimension); `present` (n,): whether each face has an embedding; `people` (n,): the person of
    each face; `probes` (m,): the indices of the faces to search for.
    """
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


def det(searches: Searches, fpirs: NDArray[np.float64]) -> list[list[float]]:
    """(FPIR, FNIR) at each of `fpirs` that this number of searches resolves. Needs a mated search."""
    other = np.sort(searches.other)
    allowed = np.floor(fpirs[fpirs * len(other) >= 1] * len(other) + 1e-9).astype(np.int64)
    allowed = np.minimum(np.unique(allowed), len(other) - 1)
    own = searches.own[searches.mated & searches.correct]
    limits = other[len(other) - 1 - allowed]
    found = (own[:, None] > limits).sum(axis=0) / searches.mated.sum()
    return [[float(a) / len(other), 1.0 - float(f)] for a, f in zip(allowed, found, strict=True)]


def rates(searches: Searches, fpirs: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """Rank-1, and FNIR with its threshold at each FPIR, with intervals; None if nobody has two faces."""
    mated = searches.mated
    if not mated.any():
        return {"rank1": None, "mated": 0, "mated_people": 0, "nonmated": len(mated), "at_fpir": {}}
    people = len(np.unique(searches.person[mated]))
    hits = np.where(searches.correct, searches.own, -np.inf).astype(np.float32)[mated]
    tradeoff = Tradeoff(hits, searches.other)
    every = np.ones(len(mated), np.int64)
    resamples = RESAMPLES if len(mated) <= _MANY else _RESAMPLES_OF_MANY
    rank1s, fnirs = [], []
    for weights in draws(searches.person, resamples, seed):
        rank1s.append(tradeoff.found(weights[mated]))
        limits = [tradeoff.threshold(weights, fpir) for fpir in fpirs]
        fnirs.append([1 - tradeoff.found(weights[mated], limit) for limit in limits])
    thresholds = [tradeoff.threshold(every, fpir) for fpir in fpirs]
    found = tradeoff.found(every[mated])
    missed = [1 - tradeoff.found(every[mated], threshold) for threshold in thresholds]
    return {
        "rank1": found,
        "rank1_interval": _listed(interval_of(found, rank1s, people)),
        "mated": int(mated.sum()),
        "mated_people": people,
        "nonmated": len(mated),
        "at_fpir": {
            str(fpir): {
                "fnir": fnir,
                "interval": _listed(interval_of(fnir, column, people)),
                "threshold": threshold,
            }
            for fpir, threshold, fnir, column in zip(
                fpirs, thresholds, missed, zip(*fnirs, strict=True), strict=True
            )
        },
    }


def _listed(bounds: Interval | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
