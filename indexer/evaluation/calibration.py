"""From how strangers score to what a score means in a gallery of any size.

A search for a stranger among N people is N comparisons of one probe, and they are not independent: a face
that resembles many alarms many times, and still once. So FPIR is not 1 - (1 - FMR)^N with the FMR of all
comparisons, but its mean over probes i, each with an FMR of its own:

    FPIR(N, t) = mean over i of 1 - (1 - FMR_i(t))^N,    FMR_i(t) = S((t - mean_i) / spread_i)

with one tail S for all probes, in the deviations of each (`tail`). Intervals: 95 %, bootstrap by identity
(Efron and Tibshirani 1993, ch. 13), a person who is left out being neither searched for nor found; every
other resample continues the tail exponentially, so that the interval knows of both shapes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.errors import CalibrationUnsupported
from indexer.evaluation import tail as tails
from indexer.evaluation.impostors import Impostors
from indexer.evaluation.tail import Tail
from indexer.recognition.calibration import Calibration

LEAST_PEOPLE = 100
RESAMPLES = 200
SIZES = np.unique(np.round(np.logspace(0, 8, 33))).astype(np.float64)
RATES = np.array([0.9, 0.5, 0.2, 0.1, 5e-2, 2e-2, 1e-2, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 1e-5, 1e-6])
_SCORES = np.linspace(-0.3, 1.1, 141)
_PROBES = 1_000
"""Whose curves are worked out in a resample: drawn anew in each, by their weights."""

MOST_FACTOR = 3.0
LEAST_CARRIERS = 10.0
LEAST_COMPARISONS = 1.0

Column = NDArray[np.float64]


def fit(found: Impostors, *, suspected: NDArray[np.bool_] | None = None, seed: int = 0) -> Calibration:
    """`suspected` (k,): of the listed comparisons, those that are no strangers after all.

    Raises CalibrationUnsupported where there are fewer than LEAST_PEOPLE.
    """
    check(found.people)
    good = np.ones(len(found.z), np.bool_) if suspected is None else ~suspected
    order = np.flatnonzero(good)[np.argsort(-found.z[good], kind="stable")]
    z, probe, other = found.z[order], found.probe[order], found.other[order]
    distinct = _distinct(found)
    everybody = np.ones(found.people)

    def tail(weights: Column, continuation: tails.Continuation) -> Tail:
        asked = weights[found.probes]
        comparisons = float((asked * (weights.sum() - asked)).sum())
        return tails.fit(
            z,
            asked[probe] * weights[other],
            comparisons,
            found.bulk,
            distinct=distinct,
            continuation=continuation,
        )

    whole = tail(everybody, "normal")
    rates = fpir(whole, found.mean, found.spread)
    scores = np.array([np.interp(hardness(RATES), hardness(row), _SCORES) for row in rates])
    rng = np.random.default_rng(seed)
    resampled = np.empty((RESAMPLES, *scores.shape))
    for number in range(RESAMPLES):
        weights = rng.multinomial(found.people, everybody / found.people).astype(np.float64)
        drawn = _drawn(weights[found.probes], rng)
        one = tail(weights, "exponential" if number % 2 else "normal")
        again = fpir(one, found.mean[drawn], found.spread[drawn])
        for row in range(len(SIZES)):
            resampled[number, row] = np.interp(scores[row], _SCORES, hardness(again[row]))
    low, high = (rate(np.quantile(resampled, q, axis=0)) for q in (0.975, 0.025))
    low, high = np.minimum(low, RATES), np.maximum(high, RATES)
    return Calibration(
        identities=found.people,
        comparisons=int(distinct),
        faces_per_identity=found.faces / found.people,
        suspected=int((~good).sum()),
        sizes=SIZES,
        rates=RATES,
        scores=scores,
        low=low,
        high=high,
        least=_least(found, whole, scores, high, distinct),
    )


def check(people: int) -> None:
    """Raises CalibrationUnsupported."""
    if people < LEAST_PEOPLE:
        raise CalibrationUnsupported(
            f"scores of strangers are to be measured on {LEAST_PEOPLE} people at least, here are {people}",
            measured=people,
            limit=LEAST_PEOPLE,
        )


def fpir(tail: Tail, mean: Column, spread: Column, sizes: Sequence[float] | Column = SIZES) -> Column:
    """Shape (sizes, scores)."""
    share = np.exp(tail.log_share_above((_SCORES[:, None] - mean) / spread))
    none = np.log1p(-np.minimum(share, 1 - 1e-12))
    return np.array([-np.expm1(size * none).mean(axis=1) for size in sizes])


def hardness(rates: Column) -> Column:
    """-log(-log(1 - rate)): what `Calibration` interpolates in."""
    return np.asarray(-np.log(-np.log1p(-np.clip(rates, 1e-15, 1 - 1e-12))))


def rate(hard: Column) -> Column:
    return np.asarray(-np.expm1(-np.exp(-hard)))


def _distinct(found: Impostors) -> float:
    """Pairs of people: where both are probes they are compared twice."""
    twice = len(found.probes) * (len(found.probes) - 1) / 2
    return found.comparisons - twice


def _drawn(weights: Column, rng: np.random.Generator) -> NDArray[np.int64]:
    every = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
    return every if len(every) <= _PROBES else rng.choice(every, _PROBES, replace=False)


def _least(found: Impostors, tail: Tail, scores: Column, high: Column, distinct: float) -> Column:
    """Shape (sizes,): the lowest of RATES, from the highest on, at which all three rules hold."""
    least = np.ones(len(SIZES))
    for row, size in enumerate(SIZES):
        share = np.exp(tail.log_share_above((scores[row][:, None] - found.mean) / found.spread))
        alarm = -np.expm1(size * np.log1p(-np.minimum(share, 1 - 1e-12)))
        carriers = alarm.sum(axis=1) ** 2 / np.maximum((alarm**2).sum(axis=1), 1e-300)
        held = (
            (carriers >= LEAST_CARRIERS)
            & (share.mean(axis=1) * distinct >= LEAST_COMPARISONS)
            & (high[row] <= MOST_FACTOR * RATES)
        )
        reached = len(RATES) if held.all() else int(np.argmin(held))
        if reached:
            least[row] = RATES[reached - 1]
    return least
