"""The rows of `benchmarks.cluster` as a plot: as measured, and as expected on machines of their own."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

from benchmarks.sharding.estimate import Parts, alone_ms, sharded_ms
from indexer.pages.plots import set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = dict[str, Any]
SIZES = np.logspace(6, 9, 61)
"""Faces of the estimate."""
ESTIMATED = (4, 8, 32)
"""Shards of the estimate."""
_ALONE = "#1f5fa8"
_SHARDS = {1: "#8a8a8a", 2: "#e0a100", 4: "#d1495b", 8: "#0e8a6d", 32: "#6a3d9a"}


def draw(rows: Sequence[Row], parts: Parts, *, tier: str, path: Path) -> None:
    """`rows`: of one process and of shards. Raises OSError."""
    figure = Figure(figsize=(13, 5.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: it would look for a screen
    measured, expected = figure.subplots(1, 2)
    _draw_measured(measured, [row for row in rows if (row["tier"], row["clients"]) == (tier, 1)])
    _draw_expected(expected, parts)
    figure.savefig(path, format="png")


def _draw_measured(axes: "Axes", rows: Sequence[Row]) -> None:
    set_titles(axes, "Measured: all shards on one computer", "one client · median · they share its cores")
    for shards in sorted({row["shards"] for row in rows}):
        of_it = sorted((row for row in rows if row["shards"] == shards), key=lambda row: int(row["faces"]))
        _line(axes, [row["faces"] for row in of_it], [row["p50_ms"] for row in of_it], shards, marker="o")
    _axes(axes, sorted({row["faces"] for row in rows}))


def _draw_expected(axes: "Axes", parts: Parts) -> None:
    set_titles(
        axes,
        "Estimate: each shard on a machine of its own",
        "from the measured parts of a search · where the lines cross, shards begin to be faster",
    )
    _line(axes, SIZES, [alone_ms(parts, size) for size in SIZES], 0)
    for shards in ESTIMATED:
        _line(axes, SIZES, [sharded_ms(parts, size, shards) for size in SIZES], shards)
    _axes(axes, [10**6, 10**7, 10**8, 10**9])


def _line(axes: "Axes", faces: Any, ms: Any, shards: int, **style: Any) -> None:
    color = _SHARDS.get(shards, _ALONE)
    name = "1 shard" if shards == 1 else f"{shards} shards" if shards else "one process"
    axes.plot(faces, ms, color=color, linewidth=1.6 if shards else 2.4, markersize=4, label=name, **style)


def _axes(axes: "Axes", sizes: Sequence[int]) -> None:
    axes.set(xscale="log", yscale="log", xlabel="faces in the gallery", ylabel="milliseconds a search")
    axes.set_xticks(sizes)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda faces, _: f"{faces / 1e6:g} million"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda ms, _: f"{ms:,g}"))
    axes.legend(frameon=False, fontsize=9)
