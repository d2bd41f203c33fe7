"""A score curve from a model's card, used where nobody has calibrated.

The card's figures were measured once, on other people than the gallery's. The comparisons of a search are
treated as independent. How far sets of photographs differ is part of the card (`ModelCard.fmr_ranges`), and
gives the interval.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.threshold import misses as card_misses
from indexer.calibration.threshold.curve import Estimate, people_needed
from indexer.calibration.threshold.misses import Misses
from indexer.embedding.card import ModelCard

_deviate = NormalDist().inv_cdf
_LEAST_FMR = 1e-300
"""A lower FMR, which may round to 0 for a huge gallery, is raised to this."""


@dataclass(frozen=True, slots=True)
class CardCurve:
    """A `ScoreCurve`."""

    card: ModelCard

    def threshold(self, fpir: float, faces: int) -> float:
        return for_fpir(self.card, fpir, faces)

    def estimate(self, score: float, faces: int) -> Estimate:
        """The interval is the range over the sets that the card was measured on; None if it was one set."""
        fpir = _among(fmr_of(self.card, score), faces)
        interval = None
        if self.card.fmr_ranges:
            low, high = fmr_range_of(self.card, score)
            interval = (min(fpir, _among(low, faces)), max(fpir, _among(high, faces)))
        return Estimate(fpir=fpir, interval=interval, trusted=fpir >= self.least_fpir(faces) * (1 - 1e-6))

    def least_fpir(self, faces: int) -> float:
        return _among(self.card.score_at_fmr[-1][0], faces)

    def most_faces(self, fpir: float) -> int:
        return int(math.log1p(-fpir) / math.log1p(-self.card.score_at_fmr[-1][0]) + 1e-9)

    def needed(self, fpir: float, faces: int) -> int:
        return people_needed(fpir, faces)

    def misses(self, threshold: float) -> Misses | None:
        """Of comparisons of two photographs, one to one."""
        return card_misses.of_card(self.card.genuine_scores, threshold)

    @property
    def measured_on(self) -> str:
        return f"the card of {self.card.name}, which is measured down to an FMR of" + (
            f" {self.card.score_at_fmr[-1][0]:g} on other people than yours"
        )


def for_fmr(card: ModelCard, fmr: float) -> float:
    """The score that a share `fmr` of impostor pairs reaches.

    Impostor scores nearly follow a normal distribution. So the curve is linear in normal deviates between the
    card's points, and continues with the last slope beyond them.
    """
    rates, scores = zip(*card.score_at_fmr, strict=True)
    measured = _deviates(rates)
    deviate = -_deviate(min(max(fmr, _LEAST_FMR), 1.0 - 1e-12))
    if deviate > measured[-1]:
        return min(1.0, float(scores[-1] + _last_slope(card) * (deviate - measured[-1])))
    return float(np.interp(deviate, measured, scores))


def fmr_of(card: ModelCard, score: float) -> float:
    """The share of impostor pairs that reach a score: the inverse of `for_fmr`.

    At most the card's first FMR, because the card says nothing about lower scores.
    """
    return _share_above(_deviate_of(card, score))


def fmr_range_of(card: ModelCard, score: float) -> tuple[float, float]:
    """The lowest and the highest share of impostor pairs that reach a score, for a card with `fmr_ranges`.

    Beyond the card's points, as many deviates from `fmr_of` as at the last point.
    """
    measured = _deviates([rate for rate, _ in card.score_at_fmr])
    deviate = _deviate_of(card, score)
    low, high = (
        _share_above(deviate + float(np.interp(deviate, measured, _deviates(ends) - measured)))
        for ends in zip(*card.fmr_ranges, strict=True)
    )
    return low, high


def for_fpir(card: ModelCard, fpir: float, gallery_size: int) -> float:
    """The score that a share `fpir` of non-mated searches reaches among `gallery_size` faces.

    A search is `gallery_size` comparisons, treated as independent: FPIR = 1 - (1 - FMR)^N
    (ISO/IEC 19795-1, annex on identification performance).
    """
    size = max(gallery_size, 1)
    return for_fmr(card, -math.expm1(math.log1p(-fpir) / size))


def _among(fmr: float, faces: int) -> float:
    """The FPIR."""
    return -math.expm1(max(faces, 1) * math.log1p(-fmr))


def _deviate_of(card: ModelCard, score: float) -> float:
    rates, scores = zip(*card.score_at_fmr, strict=True)
    measured = _deviates(rates)
    if score > scores[-1]:
        return float(measured[-1] + (score - scores[-1]) / _last_slope(card))
    return float(np.interp(score, scores, measured))


def _last_slope(card: ModelCard) -> float:
    """Score per deviate."""
    (rate_before, before), (rate_last, last) = card.score_at_fmr[-2:]
    return (last - before) / (_deviate(1.0 - rate_last) - _deviate(1.0 - rate_before))


def _deviates(shares: Iterable[float]) -> NDArray[np.float64]:
    return np.array([-_deviate(share) for share in shares])


def _share_above(deviate: float) -> float:
    return 0.5 * math.erfc(deviate / math.sqrt(2))
