"""How far a rate would move with other people: bootstrap by identity. Not for rates themselves.

Whole people are drawn, with replacement, as many as there are (Efron and Tibshirani 1993, ch. 13), since the
images of one person stand and fall together: to draw images one by one would make intervals too narrow. A
draw is kept as a weight, how often each person is in it, so that a rate of it is a weighted sum over arrays
that were sorted once. What is searched in, a gallery, stays as it is: the intervals are of the probes.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 500
LEVEL = 0.95

Interval = tuple[float, float]
"""Lower and upper end, of `LEVEL`."""


def draws(
    people: NDArray[np.int64], resamples: int, seed: int | Sequence[int]
) -> Iterator[NDArray[np.int64]]:
    """For each resample, how often each item is in it, shape (n,); `people` (n,): whose each item is.

    Any numbers may stand for people. The same seed gives the same draws.
    """
    names, whose = np.unique(people, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = rng.integers(0, len(names), len(names)) if len(names) else np.empty(0, np.int64)
        yield np.bincount(drawn, minlength=len(names))[whose]


def interval(values: Sequence[float] | NDArray[np.float64]) -> Interval | None:
    """The percentile interval; None where no resample had anything to measure."""
    measured = np.asarray(values, np.float64)
    measured = measured[~np.isnan(measured)]
    if not len(measured):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(measured, (tail, 1 - tail))
    return float(low), float(high)


def none_seen(people: int) -> Interval:
    """Of a rate of which no case was seen in `people` independent ones, where resampling says 0 to 0.

    Clopper and Pearson (1934), one-sided: the "rule of three", about 3 / n.
    """
    return 0.0, 1 - (1 - LEVEL) ** (1 / max(1, people))


def interval_of(
    rate: float, resampled: Sequence[float] | NDArray[np.float64], people: int
) -> Interval | None:
    """As `interval`; at 0 or 1, where resampling is sure of what a handful of `people` show, as far as
    `none_seen` says."""
    bounds = interval(resampled)
    if bounds is None or 0 < rate < 1:
        return bounds
    _, unseen = none_seen(people)
    return (0.0, max(bounds[1], unseen)) if rate <= 0 else (min(bounds[0], 1 - unseen), 1.0)


class Tradeoff:
    """Searches sorted once, so that the rates of any weighting cost one pass over them.

    The definitions are those of `identification`: a threshold is the lowest score of a non-mated search that
    a share of at most `fpir` of them exceeds, and an answer is given strictly above it.
    """

    def __init__(self, hits: NDArray[np.float32], nonmated: NDArray[np.float32]) -> None:
        """`hits` (m,): of mated searches, the score where the right person came first, and minus infinity
        elsewhere. `nonmated` (n,): the best scores of searches for nobody who is there."""
        self._hits = hits
        self._falling = np.argsort(-nonmated, kind="stable")
        self._scores = nonmated[self._falling]

    def threshold(self, weights: NDArray[np.int64], fpir: float) -> float:
        """`weights` (n,), of the non-mated searches."""
        reached = np.cumsum(weights[self._falling])
        allowed = int(fpir * reached[-1] + 1e-9)
        place = int(np.searchsorted(reached, allowed, side="right"))
        return float(self._scores[min(place, len(self._scores) - 1)])

    def found(self, weights: NDArray[np.int64], threshold: float = -np.inf) -> float:
        """The share of mated searches that name the right person; rank-1 where no threshold is set.

        `weights` (m,), of the mated searches. Not a number where all are 0.
        """
        total = int(weights.sum())
        return float(weights[self._hits > threshold].sum()) / total if total else float("nan")
