"""The plot of the error rates of each group."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

from indexer.evaluation.fairness.rates import FairnessResult, GroupRates
from indexer.pages.plots import MODELS, new_figure, percent, set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_fairness(results: Sequence[FairnessResult], file: IO[bytes]) -> None:
    """FMR and FNMR of each group, with their intervals. Writes a PNG. Raises Misconfigured."""
    figure = new_figure(10, 1.6 + 0.45 * len(results) * max(2, len(results[0].groups)))
    left, right = figure.subplots(1, 2)
    set_titles(left, "False match rate (FMR)", "two people of one group, matched")
    set_titles(right, "False non-match rate (FNMR)", "two images of one person, not matched")
    for axes, kind in ((left, "fmr"), (right, "fnmr")):
        names = [one.group for one in results[0].groups]
        for place, result in enumerate(results):
            for row, one in enumerate(result.groups):
                _bar(axes, one, kind, row + 0.2 * (place - (len(results) - 1) / 2), place)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter(percent)
    if len(results) > 1:
        for place, result in enumerate(results):
            left.plot([], [], "o", color=MODELS[place % len(MODELS)], label=result.model)
        left.legend(frameon=False, fontsize=8)
    figure.savefig(file, format="png")


def _bar(axes: "Axes", one: GroupRates, kind: str, row: float, place: int) -> None:
    rate, bounds = getattr(one, kind), getattr(one, f"{kind}_interval")
    if rate is not None:
        colour = MODELS[place % len(MODELS)]
        axes.plot(rate, row, "o", color=colour, clip_on=False, zorder=3)
        if bounds:
            axes.hlines(row, *bounds, color=colour, linewidth=2)
