"""A score curve from a model's card, used where nobody has calibrated.

The card's figures were measured once, on other people than the gallery's, down to an FMR of 1 in 10,000. The
comparisons of a search are treated as independent.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from indexer.calibration.threshold.curve import Estimate, people_needed
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
        fmr = fmr_of(self.card, score)
        fpir = -math.expm1(max(faces, 1) * math.log1p(-fmr))
        return Estimate(fpir=fpir, interval=None, trusted=fpir >= self.least_fpir(faces) * (1 - 1e-6))

    def least_fpir(self, faces: int) -> float:
        return -math.expm1(max(faces, 1) * math.log1p(-self.card.score_at_fmr[-1][0]))

    def most_faces(self, fpir: float) -> int:
        return int(math.log1p(-fpir) / math.log1p(-self.card.score_at_fmr[-1][0]) + 1e-9)

    def needed(self, fpir: float, faces: int) -> int:
        return people_needed(fpir, faces)

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
    measured = np.array([_deviate(1.0 - rate) for rate in rates])
    deviate = -_deviate(min(max(fmr, _LEAST_FMR), 1.0 - 1e-12))
    if deviate > measured[-1]:
        return min(1.0, float(scores[-1] + _last_slope(card) * (deviate - measured[-1])))
    return float(np.interp(deviate, measured, scores))


def fmr_of(card: ModelCard, score: float) -> float:
    """The share of impostor pairs that reach a score: the inverse of `for_fmr`.

    At most the card's first FMR, because the card says nothing about lower scores.
    """
    rates, scores = zip(*card.score_at_fmr, strict=True)
    measured = np.array([_deviate(1.0 - rate) for rate in rates])
    if score > scores[-1]:
        deviation = float(measured[-1] + (score - scores[-1]) / _last_slope(card))
    else:
        deviation = float(np.interp(score, scores, measured))
    return 0.5 * math.erfc(deviation / math.sqrt(2))


def for_fpir(card: ModelCard, fpir: float, gallery_size: int) -> float:
    """The score that a share `fpir` of non-mated searches reaches among `gallery_size` faces.

    A search is `gallery_size` comparisons, treated as independent: FPIR = 1 - (1 - FMR)^N
    (ISO/IEC 19795-1, annex on identification performance).
    """
    size = max(gallery_size, 1)
    return for_fmr(card, -math.expm1(math.log1p(-fpir) / size))


def _last_slope(card: ModelCard) -> float:
    """Score per deviate."""
    (rate_before, before), (rate_last, last) = card.score_at_fmr[-2:]
    return (last - before) / (_deviate(1.0 - rate_last) - _deviate(1.0 - rate_before))
