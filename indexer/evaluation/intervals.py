"""Confidence intervals of rates: bootstrap by identity.

People are drawn with replacement, as many as there are (Efron and Tibshirani 1993, ch. 13). The images of one
person are correlated, so drawing single images would make the intervals too narrow. A draw is stored as
weights, how often each person is in it; a rate is then a weighted sum over arrays that are sorted once. The
gallery stays as it is: the intervals cover the choice of probes.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 500
LEVEL = 0.95

Interval = tuple[float, float]
"""Lower and upper bound, at `LEVEL`."""


def draws(
    people: NDArray[np.int64], resamples: int, seed: int | Sequence[int]
) -> Iterator[NDArray[np.int64]]:
    """Yields the weights of each resample, shape (n,): how often each item is in it.

    `people` (n,): the person of each item, as any integers. The same seed gives the same draws.
    """
    names, person = np.unique(people, return_inverse=True)
    rng = np.random.default_rng(seed)
    for _ in range(resamples):
        drawn = rng.integers(0, len(names), len(names)) if len(names) else np.empty(0, np.int64)
        yield np.bincount(drawn, minlength=len(names))[person]


def interval(values: Sequence[float] | NDArray[np.float64]) -> Interval | None:
    """The percentile interval, without NaN; None if no resample has a value."""
    measured = np.asarray(values, np.float64)
    measured = measured[~np.isnan(measured)]
    if not len(measured):
        return None
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(measured, (tail, 1 - tail))
    return float(low), float(high)


def none_seen(people: int) -> Interval:
    """The interval of a rate with no case among `people` independent ones, where the bootstrap gives 0 to 0.

    Clopper and Pearson (1934), one-sided: the "rule of three", about 3 / n.
    """
    return 0.0, 1 - (1 - LEVEL) ** (1 / max(1, people))


def interval_of(
    rate: float, resampled: Sequence[float] | NDArray[np.float64], people: int
) -> Interval | None:
    """As `interval`. At a rate of 0 or 1, where the bootstrap has no spread, the interval reaches at least
    as far as that of `none_seen`."""
    bounds = interval(resampled)
    if bounds is None or 0 < rate < 1:
        return bounds
    _, unseen = none_seen(people)
    return (0.0, max(bounds[1], unseen)) if rate <= 0 else (min(bounds[0], 1 - unseen), 1.0)


class Tradeoff:
    """Searches, sorted once: the rates of each resample then cost one pass over them.

    The definitions are those of `identification.rates`: the threshold is the lowest score of a non-mated
    search that a share of at most `fpir` of them exceeds. An answer is returned strictly above it.
    """

    def __init__(self, hits: NDArray[np.float32], nonmated: NDArray[np.float32]) -> None:
        """`hits` (m,): for each mated search the score if the right person came first, else minus infinity.
        `nonmated` (n,): the best score of each non-mated search."""
        self._hits = hits
        self._falling = np.argsort(-nonmated, kind="stable")
        self._scores = nonmated[self._falling]

    def threshold(self, weights: NDArray[np.int64], fpir: float) -> float:
        """`weights` (n,): of the non-mated searches."""
        reached = np.cumsum(weights[self._falling])
        allowed = int(fpir * reached[-1] + 1e-9)
        place = int(np.searchsorted(reached, allowed, side="right"))
        return float(self._scores[min(place, len(self._scores) - 1)])

    def found(self, weights: NDArray[np.int64], threshold: float = -np.inf) -> float:
        """The share of mated searches that return the right person above `threshold`; without one, rank-1.

        `weights` (m,): of the mated searches. NaN if all are 0.
        """
        total = int(weights.sum())
        return float(weights[self._hits > threshold].sum()) / total if total else float("nan")
