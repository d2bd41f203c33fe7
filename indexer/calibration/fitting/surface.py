"""A tail, and the probes that it holds for, worked out for all sizes and rates: what a calibration stores.

Where trust ends. A rate at a size is supported while all of these hold, and no further:

- at least LEAST_CARRIERS probes, counted as effective ones ((sum of alarms)² / sum of alarms²; Kish 1965),
  bear the false alarms: what hangs on a handful of faces says nothing of other people's;
- among all pairs of people measured at least LEAST_COMPARISONS would reach the threshold (the rule of three,
  ISO/IEC 19795-1: three expected, and none seen, is one chance in twenty): the tail is continued beyond the
  thirty highest pairs, but not to where there are none;
- the upper end of the interval is at most MOST_FACTOR times the rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting.tail import Tail
from indexer.calibration.measured_curve import MeasuredCurve, hardness, rate

SIZES = np.unique(np.round(np.logspace(0, 8, 33))).astype(np.float64)
RATES = np.array(
    [0.9, 0.5, 0.2, 0.1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6]
)
MOST_FACTOR = 3.0
LEAST_CARRIERS = 10.0
LEAST_COMPARISONS = 3.0
_SCORES = np.linspace(-0.3, 1.1, 141)

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpostorModel:
    tail: Tail
    mean: Column
    """Shape (probes,)."""
    spread: Column
    """Shape (probes,)."""

    def shares(self, scores: Column) -> Column:
        """Shape (scores, probes): FMR of each probe."""
        share = np.exp(self.tail.log_share_above((scores[:, None] - self.mean) / self.spread))
        return np.asarray(np.minimum(share, 1 - 1e-12))

    def fpir(self) -> Column:
        """Shape (sizes, scores), of SIZES and _SCORES: the mean over probes of 1 - (1 - FMR)^N."""
        none = np.log1p(-self.shares(_SCORES))
        return np.array([-np.expm1(size * none).mean(axis=1) for size in SIZES])


def measured_curve(
    whole: ImpostorModel,
    resampled: Iterator[ImpostorModel],
    *,
    identities: int,
    distinct: float,
    faces_per_identity: float,
    suspected: int,
) -> MeasuredCurve:
    """`distinct`: pairs of people that were compared, each once."""
    scores = np.array([np.interp(hardness(RATES), hardness(row), _SCORES) for row in whole.fpir()])
    again = np.array(
        [
            [np.interp(at, _SCORES, row) for at, row in zip(scores, hardness(curve.fpir()), strict=True)]
            for curve in resampled
        ]
    )
    low, high = (rate(np.quantile(again, q, axis=0)) for q in (0.975, 0.025))
    low, high = np.minimum(low, RATES), np.maximum(high, RATES)
    return MeasuredCurve(
        identities=identities,
        comparisons=int(distinct),
        faces_per_identity=faces_per_identity,
        suspected=suspected,
        sizes=SIZES,
        rates=RATES,
        scores=scores,
        low=low,
        high=high,
        least=_least(whole, scores, high, distinct),
    )


def _least(whole: ImpostorModel, scores: Column, high: Column, distinct: float) -> Column:
    """Shape (sizes,): the lowest of RATES, from the highest on, at which all three rules hold."""
    least = np.ones(len(SIZES))
    for row, size in enumerate(SIZES):
        share = whole.shares(scores[row])
        alarm = -np.expm1(size * np.log1p(-share))
        carriers = alarm.sum(axis=1) ** 2 / np.maximum((alarm**2).sum(axis=1), 1e-300)
        held = (
            (carriers >= min(LEAST_CARRIERS, len(whole.mean)))
            & (share.mean(axis=1) * distinct >= LEAST_COMPARISONS)
            & (high[row] <= MOST_FACTOR * RATES)
        )
        reached = len(RATES) if held.all() else int(np.argmin(held))
        if reached:
            least[row] = RATES[reached - 1]
    return least
