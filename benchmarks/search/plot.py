"""The rows of a run as a plot: latency by size, and recall by latency."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from benchmarks.search.table import Row, label
from indexer.pages.plots import set_titles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_QUIET = "#555555"
_STYLES: dict[str, dict[str, Any]] = {
    "gemel": {"color": "#1f5fa8", "linewidth": 2.4, "marker": "o", "zorder": 4},
    "http": {"color": "#0e8a6d", "linewidth": 1.8, "marker": "s", "zorder": 3},
    "pgvector": {"color": "#c2410c", "linewidth": 1.6, "marker": "D", "zorder": 2},
    "faiss": {"color": "#6b6b6b", "linewidth": 1.4, "marker": "o", "linestyle": (0, (4, 2)), "zorder": 2},
}
_NEARLY_ALL = 0.98
_NAMES_END = 1.32
"""Upper end of the axis of recall: above 1 there is room for names."""
_HIDDEN = frozenset({"faiss-compact-1thread"})
"""Only in the table: its line would cover another."""
_LEAST_GAP = 0.037
"""Smallest distance between two labels, as a share of the axis."""


def draw(rows: Sequence[Row], path: Path) -> None:
    """Raises OSError."""
    searches = [row for row in rows if "recall" in row and row["name"] not in _HIDDEN]
    largest = max(row["n"] for row in searches)
    figure = Figure(figsize=(14, 6.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: it would look for a screen
    growth, quality = figure.subplots(1, 2, width_ratios=(1.15, 1))
    _draw_growth(growth, searches, largest)
    _draw_quality(quality, [row for row in searches if row["n"] == largest], largest)
    figure.savefig(path, format="png")


def _draw_growth(axes: "Axes", rows: Sequence[Row], largest: int) -> None:
    set_titles(axes, "How the time grows", "one query at a time, ten answers · median · two logarithmic axes")
    ends = []
    for method in dict.fromkeys(map(label, rows)):
        of_it = sorted((row for row in rows if label(row) == method), key=lambda row: row["n"])
        n, p50 = [row["n"] for row in of_it], [row["p50_ms"] for row in of_it]
        axes.plot(n, p50, markersize=4, **_style(of_it[0]))
        ends.append((n[-1], p50[-1], method, _style(of_it[0])["color"]))
    axes.set(xscale="log", yscale="log", xlabel="faces in the gallery", ylabel="milliseconds a query")
    smallest = min(row["n"] for row in rows)
    # The right end is for the names of the lines.
    axes.set_xlim(smallest * 0.85, largest * (max(largest / smallest, 10) ** 0.45))
    axes.set_xticks(sorted({row["n"] for row in rows}))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
    _in_plain_numbers(axes.yaxis)
    _name(axes, [end for end in ends if end[0] == largest])


def _draw_quality(axes: "Axes", rows: Sequence[Row], n: int) -> None:
    set_titles(
        axes,
        f"What it buys, {n:,} faces",
        "how often the first answer is the exact one, for probes that differ as photographs do",
    )
    efforts = [row for row in rows if "ef_search" in row]
    axes.plot(
        [row["p50_ms"] for row in efforts],
        [row["recall"] for row in efforts],
        **_STYLES["pgvector"] | {"marker": ""},
    )
    for row in rows:
        style = _style(row) | {"linestyle": "", "markersize": 8, "markeredgecolor": "white"}
        axes.plot(row["p50_ms"], row["recall"], clip_on=False, **style)
    axes.set(xscale="log", xlabel="milliseconds a query, median", ylabel="recall@1 against exact search")
    axes.set_ylim(0, _NAMES_END)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlim(min(row["p50_ms"] for row in rows) / 1.6, max(row["p50_ms"] for row in rows) * 1.6)
    _in_plain_numbers(axes.xaxis)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}%"))
    _name_above(axes, [row for row in rows if row["recall"] > _NEARLY_ALL])
    for row in rows:
        if row["recall"] <= _NEARLY_ALL:
            axes.annotate(
                label(row),
                (row["p50_ms"], row["recall"]),
                xytext=(9, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
                color=_style(row)["color"],
            )


def _name(axes: "Axes", ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Each line's name to the right of its end, without overlaps."""
    ends = sorted(ends, key=lambda end: end[1])
    low, high = np.log(axes.get_ylim())
    places = _spread([(np.log(end[1]) - low) / (high - low) for end in ends])
    for (x, y, name, color), place in zip(ends, places, strict=True):
        axes.annotate(
            f"{name}  {y:.2g}" if y < 10 else f"{name}  {y:.0f}",
            (x, y),
            xytext=(
                np.log(x / axes.get_xlim()[0]) / np.log(np.divide(*axes.get_xlim()[::-1])) + 0.035,
                place,
            ),
            textcoords="axes fraction",
            va="center",
            fontsize=8.5,
            color=color,
            arrowprops=_leader(color, (0, 0.5)),
        )


def _name_above(axes: "Axes", rows: Sequence[Row]) -> None:
    """Those with the recall of exact search lie side by side: their names stand upright, above the rest."""
    rows = sorted(rows, key=lambda row: row["p50_ms"])
    left, right = np.log(axes.get_xlim())
    places = _spread([(np.log(row["p50_ms"]) - left) / (right - left) for row in rows])
    for row, place in zip(rows, places, strict=True):
        color = _style(row)["color"]
        axes.annotate(
            label(row),
            (row["p50_ms"], row["recall"]),
            xytext=(place, 1.05 / _NAMES_END),
            textcoords="axes fraction",
            rotation=90,
            ha="center",
            va="bottom",
            fontsize=8.5,
            color=color,
            arrowprops=_leader(color, (0.5, 0)),
        )


def _leader(color: str, end: tuple[float, float]) -> dict[str, Any]:
    """A thin line from a name to its point; `end`: where it starts on the name, in shares of its box."""
    return {
        "arrowstyle": "-",
        "color": color,
        "linewidth": 0.5,
        "shrinkA": 0,
        "shrinkB": 4,
        "relpos": end,
    }


def _spread(places: Sequence[float]) -> list[float]:
    """Ascending places, moved as little as possible to be at least _LEAST_GAP apart."""
    moved = list(places)
    for _ in range(200):
        for i in range(1, len(moved)):
            lacking = _LEAST_GAP - (moved[i] - moved[i - 1])
            if lacking > 0:
                moved[i - 1] -= lacking / 2
                moved[i] += lacking / 2
    return moved


def _style(row: Row) -> dict[str, Any]:
    return _STYLES[row["name"].split("-")[0]]


def _in_plain_numbers(axis: Any) -> None:
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axis.set_minor_formatter(NullFormatter())
