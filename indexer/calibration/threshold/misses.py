"""Expected misses: the share of searches for enrolled people that stay below a threshold.

Two sources. `MatedScores` is measured on a gallery's own people, where some have several faces: each of their
faces is searched for among the person's other faces (leave one out). Else there is the model's card, with
quantiles of the scores of two photographs of the same person, from a public set.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_NORMAL_975 = 1.959964
"""Quantile of the normal distribution for a two-sided interval of 95 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misses:
    """The expected share of misses at a threshold."""

    rate: float
    interval: tuple[float, float]
    """95 %, or from a card: between the quantiles that the card has."""
    source: Literal["gallery", "card"]
    people: int | None
    """People that it was measured on; None for a card."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatedScores:
    """The distribution of the scores of mated searches in a gallery."""

    shares: NDArray[np.float64]
    """Shape (q,): from 0 to 1, ascending."""
    scores: NDArray[np.float64]
    """Shape (q,): the quantile of each share."""
    people: int
    """People with two faces or more."""
    searches: int

    def misses(self, threshold: float) -> Misses:
        """The interval counts each person as one search, because the faces of a person are alike."""
        rate = _share_below(threshold, self.scores, self.shares)
        return Misses(rate=rate, interval=wilson(rate, self.people), source="gallery", people=self.people)

    def to_json(self) -> dict[str, Any]:
        return {
            "people": self.people,
            "searches": self.searches,
            "shares": [float(f"{share:.6g}") for share in self.shares],
            "scores": [float(f"{score:.6g}") for score in self.scores],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MatedScores":
        return cls(
            people=stored["people"],
            searches=stored["searches"],
            shares=np.array(stored["shares"], np.float64),
            scores=np.array(stored["scores"], np.float64),
        )


def of_card(genuine_scores: Sequence[float], threshold: float) -> Misses | None:
    """`genuine_scores`: quantiles, evenly spaced from 0 to 1. None where the card has none."""
    if len(genuine_scores) < 2:
        return None
    scores = np.array(genuine_scores, np.float64)
    shares = np.linspace(0, 1, len(scores))
    rate = _share_below(threshold, scores, shares)
    place = int(np.searchsorted(scores, threshold, side="right"))
    low, high = shares[max(0, place - 1)], shares[min(len(scores) - 1, place)]
    return Misses(
        rate=rate, interval=(float(min(low, rate)), float(max(high, rate))), source="card", people=None
    )


def wilson(rate: float, count: int) -> tuple[float, float]:
    """The 95 % score interval of a share among `count` (Wilson 1927)."""
    if count < 1:
        return 0.0, 1.0
    z2 = _NORMAL_975**2
    middle = (rate + z2 / (2 * count)) / (1 + z2 / count)
    half = _NORMAL_975 * math.sqrt(rate * (1 - rate) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, min(rate, middle - half)), min(1.0, max(rate, middle + half))


def _share_below(threshold: float, scores: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Linear between the quantiles."""
    if threshold <= scores[0]:
        return 0.0
    if threshold > scores[-1]:
        return 1.0
    return float(np.interp(threshold, scores, shares))
