"""The rates of leave-one-out identification.

Each face is taken out of the gallery and searched for among the rest. The search is mated if the person has
another face. The best face of another person is the score of a stranger: so each face is a non-mated search
as well. FPIR and FNIR are defined as in `identification.rates`, the intervals as in `intervals`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.evaluation.leave_one_out.searches import Searches

_MANY = 20_000
_RESAMPLES_OF_MANY = 100
"""For more than `_MANY` probes: the bounds of the intervals are less precise, but take only seconds."""


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
