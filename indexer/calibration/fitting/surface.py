"""Computes the table of a `MeasuredCurve`: thresholds and intervals for all gallery sizes and FPIRs.

An FPIR at a size is supported if all of these hold for it and for every higher FPIR:

- The false alarms come from at least MIN_EFFECTIVE_PROBES probes, as an effective sample size: (sum of
  alarms)² / sum of alarms² (Kish 1965). A rate that depends on a handful of faces says nothing about other
  people.
- Among all measured pairs of people, at least MIN_COMPARISONS are expected to reach the threshold (the rule
  of three, ISO/IEC 19795-1: if three are expected, the probability of none is one in twenty). The tail is
  continued beyond the thirty highest pairs, but not to where there are none.
- The upper end of the interval is at most MAX_FACTOR times the rate.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting.tail import Tail
from indexer.calibration.threshold.measured_curve import MeasuredCurve, hardness, rate

SIZES = np.unique(np.round(np.logspace(0, 8, 33))).astype(np.float64)
RATES = np.array(
    [0.9, 0.5, 0.2, 0.1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 5e-5, 2e-5, 1e-5, 1e-6]
)
MAX_FACTOR = 3.0
MIN_EFFECTIVE_PROBES = 10.0
MIN_COMPARISONS = 3.0
_SCORES = np.linspace(-0.3, 1.1, 141)

Column = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpostorModel:
    """The distribution of impostor scores: one tail of z, and the mean and spread of each probe."""

    tail: Tail
    mean: Column
    """Shape (probes,)."""
    spread: Column
    """Shape (probes,)."""

    def shares(self, scores: Column) -> Column:
        """Shape (scores, probes): the FMR of each probe at each score."""
        share = np.exp(self.tail.log_share_above((scores[:, None] - self.mean) / self.spread))
        return np.asarray(np.minimum(share, 1 - 1e-12))

    def fpir(self) -> Column:
        """Shape (sizes, scores), for SIZES and _SCORES: the mean over probes of 1 - (1 - FMR)^N."""
        log_no_alarm = np.log1p(-self.shares(_SCORES))
        return np.array([-np.expm1(size * log_no_alarm).mean(axis=1) for size in SIZES])


def measured_curve(
    whole: ImpostorModel,
    resampled: Iterator[ImpostorModel],
    *,
    identities: int,
    distinct: float,
    faces_per_identity: float,
    suspected: int,
) -> MeasuredCurve:
    """`whole`: of all people; `resampled`: of bootstrap resamples; `distinct`: pairs of people, each once."""
    scores = np.array([np.interp(hardness(RATES), hardness(row), _SCORES) for row in whole.fpir()])
    resampled_hardness = np.array(
        [
            [np.interp(at, _SCORES, row) for at, row in zip(scores, hardness(model.fpir()), strict=True)]
            for model in resampled
        ]
    )
    low, high = (rate(np.quantile(resampled_hardness, q, axis=0)) for q in (0.975, 0.025))
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
    """Shape (sizes,): the lowest of RATES down to which all three rules hold."""
    least = np.ones(len(SIZES))
    for row, size in enumerate(SIZES):
        share = whole.shares(scores[row])
        alarm = -np.expm1(size * np.log1p(-share))
        effective = alarm.sum(axis=1) ** 2 / np.maximum((alarm**2).sum(axis=1), 1e-300)
        held = (
            (effective >= min(MIN_EFFECTIVE_PROBES, len(whole.mean)))
            & (share.mean(axis=1) * distinct >= MIN_COMPARISONS)
            & (high[row] <= MAX_FACTOR * RATES)
        )
        reached = len(RATES) if held.all() else int(np.argmin(held))
        if reached:
            least[row] = RATES[reached - 1]
    return least
