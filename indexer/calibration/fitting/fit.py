"""Fits a score curve to impostor scores: the FPIR of a threshold in a gallery of any size.

A non-mated search among N people is N comparisons of one probe. They are not independent: some faces resemble
many others. So FPIR is not 1 - (1 - FMR)^N with the FMR of all comparisons, but the mean of that over probes
i, each with its own FMR:

    FPIR(N, t) = mean over i of 1 - (1 - FMR_i(t))^N,    FMR_i(t) = S((t - mean_i) / spread_i)

One tail S holds for all probes, as a function of each probe's standardised scores (`impostors`, `tail`).
Intervals are 95 % bootstrap intervals over identities (Efron and Tibshirani 1993, ch. 13). A person who is
not in a resample is neither a probe nor enrolled. Every second resample continues the tail exponentially
instead of normally, so that the interval covers both shapes.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting import surface
from indexer.calibration.fitting import tail as tails
from indexer.calibration.fitting.impostors import Impostors
from indexer.calibration.fitting.surface import Column, ImpostorModel
from indexer.calibration.threshold.curve import MIN_PEOPLE
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.errors import CalibrationUnsupported

RESAMPLES = 200
_PROBES = 1_000
"""Probes that the FPIR of a resample is averaged over, drawn by their weights."""


def fit(
    impostors: Impostors,
    *,
    suspected: NDArray[np.bool_] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> MeasuredCurve:
    """`suspected`, shape (k,): the listed comparisons to leave out, because they may be of one person.

    Raises CalibrationUnsupported if there are fewer than MIN_PEOPLE people.
    """
    check_people(impostors.people)
    kept = np.ones(len(impostors.z), np.bool_) if suspected is None else ~suspected
    order = np.flatnonzero(kept)[np.argsort(-impostors.z[kept], kind="stable")]
    z, probe, other = impostors.z[order], impostors.probe[order], impostors.other[order]
    rng = np.random.default_rng(seed)

    def model(weights: Column, continuation: tails.Continuation, chosen: NDArray[np.int64]) -> ImpostorModel:
        probe_weights = weights[impostors.probes]
        tail = tails.fit(
            z,
            probe_weights[probe] * weights[other],
            float((probe_weights * (weights.sum() - probe_weights)).sum()),
            impostors.bulk,
            distinct=impostors.distinct,
            continuation=continuation,
        )
        return ImpostorModel(tail=tail, mean=impostors.mean[chosen], spread=impostors.spread[chosen])

    def resampled() -> Iterator[ImpostorModel]:
        for number in range(resamples):
            weights = rng.multinomial(
                impostors.people, np.full(impostors.people, 1 / impostors.people)
            ).astype(float)
            yield model(weights, _shape(number), _drawn(weights[impostors.probes], rng))

    return surface.measured_curve(
        model(np.ones(impostors.people), "normal", np.arange(len(impostors.probes))),
        resampled(),
        identities=impostors.people,
        distinct=impostors.distinct,
        faces_per_identity=impostors.faces / impostors.people,
        suspected=int((~kept).sum()),
    )


def fit_pairs(scores: Column, *, seed: int = 0) -> MeasuredCurve:
    """`scores`, shape (n,): of impostor pairs of unknown people.

    It is unknown which pairs share a person. So all probes have one FMR, and the comparisons of a search are
    treated as independent, which makes thresholds too high. Raises CalibrationUnsupported.
    """
    least = MIN_PEOPLE * (MIN_PEOPLE - 1) // 2
    if len(scores) < least:
        raise CalibrationUnsupported(
            f"at least {least:,} pairs of different people are needed, not {len(scores):,}",
            measured=len(scores),
            limit=least,
        )
    bulk = np.sort(scores.astype(np.float64))
    listed = bulk[::-1][: max(1_000, len(bulk) // 50)]
    rng = np.random.default_rng(seed)

    def model(weights: Column, continuation: tails.Continuation) -> ImpostorModel:
        distinct = float(len(scores))
        tail = tails.fit(listed, weights, distinct, bulk, distinct=distinct, continuation=continuation)
        return ImpostorModel(tail=tail, mean=np.zeros(1), spread=np.ones(1))

    def resampled() -> Iterator[ImpostorModel]:
        for number in range(RESAMPLES):
            yield model(rng.poisson(1.0, len(listed)).astype(float), _shape(number))

    return surface.measured_curve(
        model(np.ones(len(listed)), "normal"),
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
            f"a calibration needs at least {MIN_PEOPLE} people, not {people}",
            measured=people,
            limit=MIN_PEOPLE,
        )


def _drawn(weights: Column, rng: np.random.Generator) -> NDArray[np.int64]:
    every = np.repeat(np.arange(len(weights)), weights.astype(np.int64))
    return every if len(every) <= _PROBES else rng.choice(every, _PROBES, replace=False)


def _shape(number: int) -> tails.Continuation:
    return "exponential" if number % 2 else "normal"
