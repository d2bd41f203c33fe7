"""What every score curve offers: thresholds for false positive rates, and rates for scores."""

import math
from dataclasses import dataclass
from typing import Protocol

from indexer.calibration.threshold.misses import Misses

MIN_PEOPLE = 100
"""Impostor scores are measured on at least this many people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The estimated FPIR of a threshold: the share of non-mated searches that reach it."""

    fpir: float
    interval: tuple[float, float] | None
    """95 %; None where it was not measured."""
    trusted: bool
    """Whether the measurement supports an FPIR as low as this."""


class ScoreCurve(Protocol):
    """Maps rates to scores and back. `faces` is the number of enrolled faces, N."""

    def threshold(self, fpir: float, faces: int) -> float:
        """The score that a share `fpir` of non-mated searches reaches."""

    def estimate(self, score: float, faces: int) -> Estimate:
        """The FPIR at a threshold of `score`."""

    def least_fpir(self, faces: int) -> float:
        """The lowest FPIR that the measurement supports; 1 where it supports none."""

    def most_faces(self, fpir: float) -> int:
        """The largest gallery for which the measurement supports `fpir`; 0 where there is none."""

    def needed(self, fpir: float, faces: int) -> int:
        """About how many people a calibration needs to support `fpir`."""

    def misses(self, threshold: float) -> Misses | None:
        """The expected share of searches for enrolled people that stay below it; None where that was not
        measured."""

    @property
    def measured_on(self) -> str:
        """The subject of a sentence: what the curve was measured on."""


def people_needed(fpir: float, faces: float) -> int:
    """About how many people a calibration needs to support `fpir` in a gallery of `faces`.

    With n people there are n² / 2 pairs. Three of them should lie above the threshold, where the FMR is
    about FPIR / N.
    """
    return max(MIN_PEOPLE, math.ceil(math.sqrt(6 * max(1.0, faces) / fpir)))
