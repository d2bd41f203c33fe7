"""From how strangers score to what a score means in a gallery of any size.

A search for a stranger among N people is N comparisons of one probe, and they are not independent: a face
that resembles many alarms many times, and still once. So FPIR is not 1 - (1 - FMR)^N with the FMR of all
comparisons, but its mean over probes i, each with an FMR of its own:

    FPIR(N, t) = mean over i of 1 - (1 - FMR_i(t))^N,    FMR_i(t) = S((t - mean_i) / spread_i)

with one tail S for all probes, in the deviations of each (`impostors`, `tail`). Intervals: 95 %, bootstrap
by identity (Efron and Tibshirani 1993, ch. 13), a person who is left out being neither searched for nor
found; every other resample continues the tail exponentially, so that the interval knows of both shapes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.curve import MIN_PEOPLE
from indexer.calibration.fitting import surface
from indexer.calibration.fitting import tail as tails
from indexer.calibration.fitting.impostors import Impostors
from indexer.calibration.fitting.surface import Column, ImpostorModel
from indexer.calibration.measured_curve import MeasuredCurve
from indexer.errors import CalibrationUnsupported

RESAMPLES = 200
_PROBES = 1_000
"""Whose curves are worked out in a resample: drawn anew in each, by their weights."""


def fit(
    found: Impostors,
    *,
    suspected: NDArray[np.bool_] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> MeasuredCurve:
    """`suspected` (k,): of the listed comparisons, those that are no strangers after all.

    Raises CalibrationUnsupported where there are fewer than MIN_PEOPLE.
    """
    check_people(found.people)
    good = np.ones(len(found.z), np.bool_) if suspected is None else ~suspected
    order = np.flatnonzero(good)[np.argsort(-found.z[good], kind="stable")]
    z, probe, other = found.z[order], found.probe[order], found.other[order]
    rng = np.random.default_rng(seed)

    def curve(weights: Column, continuation: tails.Continuation, chosen: NDArray[np.int64]) -> ImpostorModel:
        asked = weights[found.probes]
        tail = tails.fit(
            z,
            asked[probe] * weights[other],
            float((asked * (weights.sum() - asked)).sum()),
            found.bulk,
            distinct=found.distinct,
            continuation=continuation,
        )
        return ImpostorModel(tail=tail, mean=found.mean[chosen], spread=found.spread[chosen])

    def resampled() -> Iterator[ImpostorModel]:
        for number in range(resamples):
            weights = rng.multinomial(found.people, np.full(found.people, 1 / found.people)).astype(float)
            yield curve(weights, _shape(number), _drawn(weights[found.probes], rng))

    return surface.measured_curve(
        curve(np.ones(found.people), "normal", np.arange(len(found.probes))),
        resampled(),
        identities=found.people,
        distinct=found.distinct,
        faces_per_identity=found.faces / found.people,
        suspected=int((~good).sum()),
    )


def fit_pairs(scores: Column, *, seed: int = 0) -> MeasuredCurve:
    """From scores of pairs of strangers, whoever they are: shape (n,).

    It is not known which of them share a person: one FMR for all, and a search taken for independent
    comparisons, which puts thresholds too high. Raises CalibrationUnsupported.
    """
    least = MIN_PEOPLE * (MIN_PEOPLE - 1) // 2
    if len(scores) < least:
        raise CalibrationUnsupported(
            f"at least {least:,} pairs of different people are needed, here are {len(scores):,}",
            measured=len(scores),
            limit=least,
        )
    bulk = np.sort(scores.astype(np.float64))
    listed = bulk[::-1][: max(1_000, len(bulk) // 50)]
    rng = np.random.default_rng(seed)

    def curve(weights: Column, continuation: tails.Continuation) -> ImpostorModel:
        distinct = float(len(scores))
        tail = tails.fit(listed, weights, distinct, bulk, distinct=distinct, continuation=continuation)
        return ImpostorModel(tail=tail, mean=np.zeros(1), spread=np.ones(1))

    def resampled() -> Iterator[ImpostorModel]:
        for number in range(RESAMPLES):
            yield curve(rng.poisson(1.0, len(listed)).astype(float), _shape(number))

    return surface.measured_curve(
        curve(np.ones(len(listed)), "normal"),
        resampled(),
        identities=0,
        distinct=float(len(scores)),
        faces_per_identity=1.0,
        suspected=0,
    )


def check_people(people: int) -> None:
    """Raises CalibrationUnsupported."""
    if people < MIN_PEOPLE:
        raise CalibrationUnsupported(
            f"scores of strangers are to be measured on {MIN_PEOPLE} people at least, here are {people}",
            measured=people,
            limit=MIN_PEOPLE,
        )


def _drawn(weights: Column, rng: np.random.Generator) -> NDArray[np.int64]:
    every = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
    return every if len(every) <= _PROBES else rng.choice(every, _PROBES, replace=False)


def _shape(number: int) -> tails.Continuation:
    return "exponential" if number % 2 else "normal"
