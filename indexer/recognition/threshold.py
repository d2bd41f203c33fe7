"""From the false alarm rate that an operator wants to the score that gives it."""

import math
from statistics import NormalDist

import numpy as np

from indexer.embedding.card import ModelCard

_deviations = NormalDist().inv_cdf


def for_fmr(card: ModelCard, fmr: float) -> float:
    """The score that a share `fmr` of pairs of strangers reaches.

    Linear between the card's measured points in the deviations of a normal distribution, which the
    scores of strangers nearly follow, and on along the last slope beyond them.
    """
    rates, scores = zip(*card.score_at_fmr, strict=True)
    measured = np.array([_deviations(1.0 - rate) for rate in rates])
    wanted = -_deviations(min(fmr, 1.0 - 1e-12))
    if wanted > measured[-1]:
        slope = (scores[-1] - scores[-2]) / (measured[-1] - measured[-2])
        return min(1.0, float(scores[-1] + slope * (wanted - measured[-1])))
    return float(np.interp(wanted, measured, scores))


def for_fpir(card: ModelCard, fpir: float, gallery_size: int) -> float:
    """The score that a share `fpir` of searches for strangers reaches among `gallery_size` faces.

    A search is `gallery_size` comparisons, taken as independent: FPIR = 1 - (1 - FMR)^N
    (ISO/IEC 19795-1, annex on identification performance).
    """
    size = max(gallery_size, 1)
    return for_fmr(card, -math.expm1(math.log1p(-fpir) / size))
