"""What a policy would mean for a gallery, and a calibration as points of a curve."""

import math
from dataclasses import dataclass

import numpy as np

from indexer.calibration.active import ActiveCalibration, of_card
from indexer.calibration.threshold.curve import Estimate
from indexer.calibration.threshold.decision import Decision, decide
from indexer.calibration.threshold.misses import Misses
from indexer.embedding.card import ModelCard

POLICIES = tuple(1 / (digit * 10**exponent) for exponent in range(1, 6) for digit in (1, 2, 5))
"""FPIRs that people choose from: 1 in 10, 20, 50, 100 ... 500,000 searches."""
POINTS = 101
"""Of a curve."""
_LEAST_FPIR = 1e-6
"""The right end of a curve."""
_GROWTH = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
"""Gallery sizes for which the threshold is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A policy in a gallery of `faces` faces."""

    decision: Decision
    faces: int
    most_faces: int
    """The largest gallery for which the policy is supported."""
    least_fpir: float
    """The lowest FPIR that is supported at this size; 1 where none is."""
    people_needed: int
    """About how many people a calibration needs to support the policy at this size."""
    misses: Misses | None
    """At the threshold; None where nothing was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a score means."""

    score: float
    fmr: Estimate
    """Among one face: the share of comparisons of two different people that reach the score."""
    fpir: Estimate
    """Among the gallery's faces."""
    misses: Misses | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The threshold of the policy in a gallery of another size."""

    faces: int
    threshold: float
    supported: bool


def preview(calibration: ActiveCalibration, card: ModelCard, fpir: float, faces: int) -> Preview:
    decision = decide(calibration, fpir, faces)
    curve = calibration.curve
    return Preview(
        decision=decision,
        faces=faces,
        most_faces=curve.most_faces(fpir),
        least_fpir=curve.least_fpir(faces),
        people_needed=curve.needed(fpir, faces),
        misses=misses(calibration, card, decision.threshold),
    )


def misses(calibration: ActiveCalibration, card: ModelCard, threshold: float) -> Misses | None:
    """By the calibration if it was measured there, else by the model's card."""
    return calibration.curve.misses(threshold) or of_card(card).curve.misses(threshold)


def points(calibration: ActiveCalibration, card: ModelCard, faces: int) -> list[Point]:
    """POINTS scores, evenly spaced: from where half of all comparisons of different people lie above, to
    where next to no search for a stranger does, and most people are missed."""
    curve = calibration.curve
    low = curve.threshold(0.5, 1)
    high = curve.threshold(_LEAST_FPIR, faces)
    if card.genuine_scores:
        high = max(high, card.genuine_scores[len(card.genuine_scores) * 3 // 4])
    return [
        Point(
            score=float(score),
            fmr=curve.estimate(float(score), 1),
            fpir=curve.estimate(float(score), faces),
            misses=misses(calibration, card, float(score)),
        )
        for score in np.linspace(low, min(1.0, high), POINTS)
    ]


def growth(calibration: ActiveCalibration, fpir: float, faces: int) -> list[Growth]:
    """For the gallery's present size and up to a hundred times as many faces, at least 10,000."""
    curve, limit = calibration.curve, max(10_000, faces * 100)
    sizes = sorted({max(1, faces), *(size for size in _GROWTH if size <= limit)})
    return [
        Growth(
            faces=size,
            threshold=curve.threshold(fpir, size),
            supported=math.isclose(curve.least_fpir(size), fpir, rel_tol=1e-6)
            or curve.least_fpir(size) < fpir,
        )
        for size in sizes
    ]
