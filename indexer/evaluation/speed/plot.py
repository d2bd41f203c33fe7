"""The plot of the time each stage takes."""

from collections.abc import Sequence
from typing import IO

from indexer.evaluation.speed.timings import SpeedResult
from indexer.pages.plots import MODELS, new_plot


def draw_speed(results: Sequence[SpeedResult], file: IO[bytes]) -> None:
    """Milliseconds per face by stage: a bar to the median, a line to the 95th percentile.

    Writes a PNG. Raises Misconfigured.
    """
    figure, axes = new_plot("Milliseconds per face", "bar: median · line: to the 95th percentile")
    stages = [f"{one.stage}, batch {one.batch}" for one in results[0].timings]
    height = 0.8 / len(results)
    for place, result in enumerate(results):
        rows = [row + height * (place - (len(results) - 1) / 2) for row in range(len(stages))]
        medians = [one.median_ms for one in result.timings]
        colour = MODELS[place % len(MODELS)]
        axes.barh(rows, medians, 0.9 * height, color=colour, alpha=0.75, label=result.model)
        axes.hlines(rows, medians, [one.p95_ms for one in result.timings], color=colour, linewidth=1.5)
    axes.set_yticks(range(len(stages)), stages)
    axes.invert_yaxis()
    axes.set_xlabel("milliseconds")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(file, format="png")
