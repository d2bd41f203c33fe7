"""A score curve measured on a gallery's own people, on photographs or on pairs. `fitting` makes it.

It is a table over gallery sizes and FPIRs: the threshold for each, and the 95 % interval of the FPIR at that
threshold. Between the entries it is interpolated linearly in log N and in log(-log(1 - FPIR)), the
complementary log-log. For small FMR, FPIR = 1 - (1 - FMR)^N becomes log N + log FMR on that scale, so the
curves for different N are one curve, shifted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.threshold.curve import Estimate, people_needed
from indexer.calibration.threshold.misses import MatedScores, Misses
from indexer.errors import InvalidRequest

FORMAT = 1
"""Of the stored JSON."""
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredCurve:
    identities: int
    """People that it was measured on; 0 for pairs of unknown people."""
    comparisons: int
    """Impostor comparisons, each pair of people once."""
    faces_per_identity: float
    """A gallery of N faces counts as N / faces_per_identity people."""
    suspected: int
    """Pairs of people that were left out of the tail because they seem to be one person."""
    sizes: Table
    """Shape (s,): enrolled people, ascending."""
    rates: Table
    """Shape (r,): FPIRs, descending."""
    scores: Table
    """Shape (s, r): thresholds, ascending along both axes."""
    low: Table
    """Shape (s, r): the lower end of the 95 % interval of the FPIR at that threshold."""
    high: Table
    """Shape (s, r): the upper end."""
    least: Table
    """Shape (s,): the lowest FPIR that the measurement supports at that size; 1 where there is none."""
    mated: MatedScores | None = None
    """None where nobody had two faces, and in calibrations of earlier versions."""

    def threshold(self, fpir: float, faces: int) -> float:
        row = self._at(self.scores, faces)
        return float(np.clip(_extended(hardness(fpir), hardness(self.rates), row), -1.0, 1.0))

    def estimate(self, score: float, faces: int) -> Estimate:
        row = self._at(self.scores, faces)
        hard = float(_extended(score, row, hardness(self.rates)))
        low, high = (
            rate(np.interp(hard, hardness(self.rates), self._at(hardness(end), faces)))
            for end in (self.low, self.high)
        )
        fpir = float(rate(hard))
        trusted = fpir >= self.least_fpir(faces) * (1 - 1e-6)
        return Estimate(fpir=fpir, interval=(min(fpir, float(low)), max(fpir, float(high))), trusted=trusted)

    def least_fpir(self, faces: int) -> float:
        least = float(rate(self._at(hardness(self.least), faces)))
        return least if least <= self.rates[0] else 1.0

    def most_faces(self, fpir: float) -> int:
        supported = self.sizes[self.least <= fpir]
        if not len(supported):
            return 0
        most = int(supported[-1] * self.faces_per_identity)
        limit = int(self.sizes[min(len(self.sizes) - 1, len(supported))] * self.faces_per_identity)
        while limit - most > max(1, most // 1000):
            middle = (most + limit) // 2
            most, limit = (middle, limit) if self.least_fpir(middle) <= fpir else (most, middle)
        return most

    def needed(self, fpir: float, faces: int) -> int:
        return max(self.identities + 1, people_needed(fpir, faces / self.faces_per_identity))

    def misses(self, threshold: float) -> Misses | None:
        return None if self.mated is None else self.mated.misses(threshold)

    @property
    def measured_on(self) -> str:
        return f"a calibration on {self.identities:,} people, {self.comparisons:,} comparisons,"

    def to_json(self) -> dict[str, Any]:
        tables = ("sizes", "rates", "scores", "low", "high", "least")
        return {
            "format": FORMAT,
            "identities": self.identities,
            "comparisons": self.comparisons,
            "faces_per_identity": self.faces_per_identity,
            "suspected": self.suspected,
            **{name: _significant(getattr(self, name)) for name in tables},
            **({} if self.mated is None else {"mated": self.mated.to_json()}),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "MeasuredCurve":
        """Raises InvalidRequest if another version of Gemel wrote it in another format."""
        if stored.get("format") != FORMAT:
            raise InvalidRequest(
                f"cannot read a calibration of format {stored.get('format')}", field="format"
            )
        tables = ("sizes", "rates", "scores", "low", "high", "least")
        return cls(
            identities=stored["identities"],
            comparisons=stored["comparisons"],
            faces_per_identity=stored["faces_per_identity"],
            suspected=stored["suspected"],
            mated=MatedScores.from_json(stored["mated"]) if stored.get("mated") else None,
            **{name: np.array(stored[name], np.float64) for name in tables},
        )

    def _at(self, table: Table, faces: int) -> Any:
        """The table's row at a size, interpolated: shape (r,), or a number."""
        place = math.log(max(1.0, faces / self.faces_per_identity))
        places = np.log(self.sizes)
        after = int(np.clip(np.searchsorted(places, place), 1, len(places) - 1))
        share = min(1.0, (place - places[after - 1]) / (places[after] - places[after - 1]))
        return (1 - share) * table[after - 1] + share * table[after]


def hardness(rates: Any) -> Any:
    """-log(-log(1 - rate)). Rises as the rate falls."""
    return -np.log(-np.log1p(-np.clip(rates, 1e-15, 1 - 1e-12)))


def rate(hard: Any) -> Any:
    """The inverse of `hardness`."""
    return -np.expm1(-np.exp(-hard))


def _extended(x: float, xs: Table, ys: Table) -> float:
    """Linear interpolation, and extrapolation with the slopes at the ends."""
    if x > xs[-1]:
        return float(ys[-1] + (x - xs[-1]) * (ys[-1] - ys[-2]) / (xs[-1] - xs[-2]))
    if x < xs[0]:
        return float(ys[0] + (x - xs[0]) * (ys[1] - ys[0]) / (xs[1] - xs[0]))
    return float(np.interp(x, xs, ys))


def _significant(values: Table) -> Any:
    """As lists of numbers with six digits, which people can read."""
    if values.ndim > 1:
        return [_significant(row) for row in values]
    return [float(f"{value:.6g}") for value in values]
