"""Trials: a calibration on some people, and the false positive rates that follow on others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.fitting import fit as calibration
from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.impostors import collect
from indexer.calibration.threshold.card_curve import CardCurve
from indexer.calibration.threshold.curve import ScoreCurve
from indexer.embedding.catalog import sface
from indexer.types import Vectors

SIZES = (100, 300, 1_000, 3_000, 5_000)
FPIRS = (0.1, 0.01, 0.001)
CARD = sface(mirror=True)
LIKELY = CARD.genuine_scores[len(CARD.genuine_scores) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One promised rate, and the rate that was measured."""

    calibrated_on: str
    people: int
    held_out: str
    size: int
    fpir: float
    threshold: float
    low: float
    high: float
    supported: bool
    happened: float
    as_labelled: float
    """Including held-out people who seem to be one person under two names."""
    card_low: float
    """The range that the model's card gives for its threshold."""
    card_high: float
    card_supported: bool
    card_happened: float
    """At the threshold of the model's card."""

    @property
    def kept(self) -> bool:
        return self.low <= self.happened <= self.high

    @property
    def card_kept(self) -> bool:
        return self.card_low <= self.card_happened <= self.card_high


def calibrated(vectors: Vectors) -> ScoreCurve:
    found = collect(vectors, np.arange(len(vectors)))
    return calibration.fit(found, suspected=suspects.find(found, LIKELY))


def promises(curve: ScoreCurve, name: str, people: int, where: str, held_out: Vectors) -> list[Trial]:
    points = [(size, fpir) for size in SIZES if size < len(held_out) for fpir in FPIRS]
    thresholds = [curve.threshold(fpir, size) for size, fpir in points]
    by_card = [CardCurve(CARD).threshold(fpir, size) for size, fpir in points]
    clean, labelled = _above(held_out, [*thresholds, *by_card])
    trials = []
    for place, (size, fpir) in enumerate(points):
        estimate = curve.estimate(thresholds[place], size)
        by_the_card = CardCurve(CARD).estimate(by_card[place], size)
        assert estimate.interval is not None
        assert by_the_card.interval is not None
        trials.append(
            Trial(
                calibrated_on=name,
                people=people,
                held_out=where,
                size=size,
                fpir=fpir,
                threshold=thresholds[place],
                low=estimate.interval[0],
                high=estimate.interval[1],
                supported=estimate.trusted,
                happened=_fpir(clean[place], size),
                as_labelled=_fpir(labelled[place], size),
                card_low=by_the_card.interval[0],
                card_high=by_the_card.interval[1],
                card_supported=by_the_card.trusted,
                card_happened=_fpir(clean[len(points) + place], size),
            )
        )
    return trials


def _above(vectors: Vectors, thresholds: Sequence[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shape (thresholds, people) each: how many others reach it; without suspected pairs, and with them."""
    found = collect(vectors, np.arange(len(vectors)))
    twice = np.flatnonzero(suspects.find(found, LIKELY))
    probes, others = found.probes[found.probe[twice]], found.other[twice]
    clean = np.zeros((len(thresholds), len(vectors)), np.int64)
    labelled = np.zeros_like(clean)
    for start in range(0, len(vectors), 512):
        block = slice(start, start + 512)
        scores = vectors[block] @ vectors.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -2
        for place, threshold in enumerate(thresholds):
            labelled[place, block] = (scores >= threshold).sum(axis=1)
        for one, other in ((probes, others), (others, probes)):
            here = (one >= start) & (one < start + len(scores))
            scores[one[here] - start, other[here]] = -2
        for place, threshold in enumerate(thresholds):
            clean[place, block] = (scores >= threshold).sum(axis=1)
    return clean, labelled


def _fpir(above: NDArray[np.int64], size: int) -> float:
    """Mean over all galleries of `size`; `above` (n,): how many of the n - 1 others reach the threshold."""
    others = len(above) - 1
    log_factorial = np.array([math.lgamma(k + 1) for k in range(others + 1)])
    silent = np.zeros(len(above))
    left = others - above
    can = left >= size
    silent[can] = np.exp(
        log_factorial[left[can]]
        - log_factorial[left[can] - size]
        - log_factorial[others]
        + log_factorial[others - size]
    )
    return float((1 - silent).mean())
