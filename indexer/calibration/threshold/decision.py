"""The threshold that an answer is decided by, and what it means."""

from dataclasses import dataclass
from functools import lru_cache

from indexer.calibration.active import ActiveCalibration
from indexer.calibration.threshold.curve import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The threshold that an answer is decided by, and what it means."""

    threshold: float
    target: float
    """The policy: an FPIR, or an FMR for a comparison of two faces. It is reported even where the caller
    gives a threshold."""
    estimate: Estimate
    """Of `threshold`."""
    calibration: ActiveCalibration
    """What both follow from."""


@lru_cache(maxsize=4096)
def decide(
    calibration: ActiveCalibration, fpir: float, faces: int, threshold: float | None = None
) -> Decision:
    """For a search among `faces` faces. `threshold`: the caller's own, which replaces the policy's."""
    used = calibration.curve.threshold(fpir, faces) if threshold is None else threshold
    return Decision(
        threshold=used,
        target=fpir,
        estimate=calibration.curve.estimate(used, faces),
        calibration=calibration,
    )


def decide_pair(calibration: ActiveCalibration, fmr: float, threshold: float | None = None) -> Decision:
    """For a comparison of two faces: FPIR among one face is FMR."""
    return decide(calibration, fmr, 1, threshold)
