"""The plots of robustness, one per kind of degradation."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import numpy as np

from indexer.evaluation.intervals import Interval
from indexer.evaluation.robustness.conditions import CLEAN, Series
from indexer.evaluation.robustness.rates import ConditionRates, RobustnessResult
from indexer.pages.plots import MODELS, QUIET, line_style, new_figure, percent, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_series(series: Series, results: Sequence[RobustnessResult], file: IO[bytes]) -> None:
    """Rank-1 and FNIR at each level, side by side, and the share of probes without a face.

    Writes a PNG. Raises Misconfigured.
    """
    figure = new_figure(10, 4.2)
    left, right = figure.subplots(1, 2)
    set_titles(left, f"{series.title}: rank-1", series.unit)
    set_titles(right, f"{series.title}: FNIR", "at the threshold for FPIR 1% of clean probes")
    labels: list[str] = []
    for place, result in enumerate(results):
        rates = in_order(series, result)
        labels = [CLEAN if rate.level == CLEAN else rate.level for rate in rates]
        rank1s, fnirs = [r.rank1 for r in rates], [r.fnir for r in rates]
        joined = bool(series.unit)
        _line(left, rank1s, [r.rank1_interval for r in rates], result.model, place, joined)
        _line(right, fnirs, [r.fnir_interval for r in rates], result.model, place, joined)
    not_found = [rate.not_found for rate in in_order(series, results[0])]
    right.bar(range(len(labels)), not_found, color=QUIET, alpha=0.25, label="no face detected", zorder=0)
    for axes in (left, right):
        axes.set_xticks(range(len(labels)), labels, rotation=25, ha="right")
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(percent)
    right.legend(frameon=False, loc="upper left" if series.clean_before == 0 else "upper center", fontsize=8)
    figure.savefig(file, format="png")


def in_order(series: Series, result: RobustnessResult) -> list[ConditionRates]:
    """The rates of the levels of `series`, with the clean condition at its place among them."""
    rates = [rate for rate in result.conditions if rate.series == series.name]
    return [*rates[: series.clean_before], result.clean, *rates[series.clean_before :]]


def _line(
    axes: "Axes", values: list[float], bounds: list[Interval | None], label: str, place: int, joined: bool
) -> None:
    """`joined`: whether a line joins the levels; between kinds there is nothing to interpolate."""
    colour = MODELS[place % len(MODELS)]
    levels = np.arange(len(values)) + (0.0 if joined else 0.12 * place)
    ends = np.array([b or (v, v) for b, v in zip(bounds, values, strict=True)])
    if joined:
        axes.plot(levels, values, marker="o", markersize=4, label=label, **line_style(place))
        axes.fill_between(levels, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
    else:
        axes.plot(levels, values, "o", color=colour, label=label)
        axes.vlines(levels, ends[:, 0], ends[:, 1], color=colour, linewidth=1.8)
