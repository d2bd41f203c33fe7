"""Plots of a calibration: FPIR over score, and the threshold over the gallery's size."""

from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.pages.plots import CURVE, POINT, QUIET, new_figure, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(curve: MeasuredCurve, fpir: float, faces: int | None, file: Path | IO[bytes]) -> None:
    """`faces`: the gallery's present size. Raises Misconfigured, OSError."""
    figure = new_figure(12, 5.2)
    left, right = figure.subplots(1, 2)
    _draw_rates(left, curve, faces)
    _draw_growth(right, curve, fpir, faces)
    figure.savefig(file, format="png")


def _draw_rates(axes: "Axes", curve: MeasuredCurve, faces: int | None) -> None:
    """FPIR over score, for one comparison and for the gallery."""
    shown = [(1, QUIET, "FMR, one comparison")]
    if faces:
        shown.append((faces, CURVE, f"FPIR, {faces:,} faces"))
    for size, colour, label in shown:
        scores = np.linspace(curve.threshold(0.5, size), curve.threshold(1e-6, size), 120)
        estimates = [curve.estimate(float(score), size) for score in scores]
        rates = np.array([estimate.fpir for estimate in estimates])
        ends = np.array([estimate.interval for estimate in estimates])
        trusted = np.array([estimate.trusted for estimate in estimates])
        axes.fill_between(scores, ends[:, 0], ends[:, 1], color=colour, alpha=0.18, linewidth=0)
        axes.plot(scores[trusted], rates[trusted], color=colour, linewidth=1.8, label=label)
        axes.plot(scores[~trusted], rates[~trusted], color=colour, linewidth=1.4, linestyle=(0, (2, 2)))
    axes.set(yscale="log", xlabel="cosine score", ylabel="share of impostors that reach it", ylim=(1e-6, 1))
    axes.legend(frameon=False)
    set_titles(axes, "What a score means", "with 95 % interval; dotted: not supported by the measurement")


def _draw_growth(axes: "Axes", curve: MeasuredCurve, fpir: float, faces: int | None) -> None:
    """The threshold over the gallery's size."""
    sizes = np.unique(np.logspace(0, 7, 141).astype(int))
    thresholds = np.array([curve.threshold(fpir, int(size)) for size in sizes])
    trusted = np.array([curve.least_fpir(int(size)) <= fpir * (1 + 1e-6) for size in sizes])
    ends = []
    for size, threshold in zip(sizes, thresholds, strict=True):
        low, high = curve.estimate(float(threshold), int(size)).interval or (fpir, fpir)
        # The threshold to use if the true FPIR lies at that end of the interval.
        ends.append([curve.threshold(min(0.9, fpir * fpir / end), int(size)) for end in (low, high)])
    bounds = np.array(ends)
    axes.fill_between(sizes, bounds[:, 0], bounds[:, 1], color=CURVE, alpha=0.18, linewidth=0)
    axes.plot(sizes[trusted], thresholds[trusted], color=CURVE, linewidth=1.8)
    axes.plot(sizes[~trusted], thresholds[~trusted], color=CURVE, linewidth=1.4, linestyle=(0, (2, 2)))
    if faces:
        axes.plot(faces, curve.threshold(fpir, faces), "o", color=POINT, markersize=7, label="now")
        axes.legend(frameon=False)
    axes.set(xscale="log", xlabel="faces enrolled (N)", ylabel="threshold")
    set_titles(
        axes, f"The threshold for FPIR {fpir:g}", "dotted: the gallery is too large for the measurement"
    )
