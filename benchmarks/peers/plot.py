"""The rows of a run as bars: identifications a second, with rank-1 beside each contender."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.patches import Patch

from benchmarks.peers.contender import CLIENTS
from benchmarks.peers.table import Row, title
from indexer.pages.plots import QUIET, new_figure, set_titles

_HEIGHT = 0.38
_DARK, _LIGHT = "#1f5fa8", "#9dbfe3"
_DARK_GREY, _LIGHT_GREY = "#6b6b6b", "#c4c4c4"


def draw(rows: Sequence[Row], path: Path) -> None:
    """The fastest contender is on top, missing ones below. Raises OSError."""
    missing = [row for row in rows if "missing" in row]
    measured = sorted(
        (row for row in rows if "missing" not in row), key=lambda row: row["several"]["identifications_per_s"]
    )
    figure = new_figure(9, 1.6 + 0.85 * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(measured, start=len(missing)):
        dark, light = (_DARK, _LIGHT) if row["name"] == "gemel" else (_DARK_GREY, _LIGHT_GREY)
        for offset, part, color in ((_HEIGHT / 2, "several", dark), (-_HEIGHT / 2, "one", light)):
            speed = row[part]["identifications_per_s"]
            bar = axes.barh(place + offset, speed, _HEIGHT, color=color)
            axes.bar_label(bar, [f"{speed:.1f}"], padding=4, fontsize=10)
    names = [f"{title(row)}\nmissing" for row in missing]
    names += [f"{title(row)}\nrank-1 {row['several']['rank1']:.1%}" for row in measured]
    axes.set_yticks(range(len(rows)), names, fontsize=11)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.margins(x=0.1)
    axes.set_xlabel("identifications a second (more is better)", fontsize=10, color=QUIET)
    axes.legend(
        [Patch(color=_DARK_GREY), Patch(color=_LIGHT_GREY)],
        [f"{CLIENTS} clients", "1 client"],
        loc="lower right",
        frameon=False,
        fontsize=11,
    )
    if measured:
        people, probes = measured[0]["people"], measured[0]["probes"]
        set_titles(
            axes,
            "Identifications a second, and rank-1",
            f"LFW, {people:,} people enrolled with one photograph each, {probes:,} probes",
        )
    axes.grid(visible=False)  # every bar has its figure
    axes.spines[["top", "right", "left"]].set_visible(False)
    figure.savefig(path, format="png")
