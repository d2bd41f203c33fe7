"""The plots of two models side by side on one gallery, for the report of a re-index."""

from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from indexer.pages.plots import CURVE, POINT, QUIET, new_figure, new_plot, percent_axes, set_titles


def draw_scores(sides: Sequence[dict[str, Any]], file: IO[bytes]) -> None:
    """Distributions of genuine and impostor scores, one model per row. Writes a PNG. Raises Misconfigured.

    `sides`: each with `model`, and `genuine` and `impostor` counts in equal bins from -1 to 1.
    """
    figure = new_figure(8, 2.9 * len(sides))
    for axes, side in zip(np.atleast_1d(figure.subplots(len(sides), sharex=True)), sides, strict=True):
        for kind, colour in (("impostor", POINT), ("genuine", CURVE)):
            counts = np.array(side[kind], np.float64)
            edges = np.linspace(-1, 1, len(counts) + 1)
            shares = counts / max(1.0, counts.sum())
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(shares, edges, color=colour, linewidth=1.3, label=kind)
        set_titles(axes, side["model"], "best score among the person's other faces, and among other people's")
        point = side["at_fpir"].get("0.01")
        if point:
            axes.axvline(point["threshold"], color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"FPIR 1%: {point['threshold']:.3f}",
                (point["threshold"], 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(5, -4),
                textcoords="offset points",
                va="top",
                fontsize=9,
                color=QUIET,
                annotation_clip=True,  # one beyond the scores that are shown leaves no room for the axes
            )
        axes.set(xlabel="cosine score", ylabel="share of searches")
        axes.set_ylim(bottom=0)
        axes.legend(frameon=False, loc="upper left")
    used = np.flatnonzero(np.sum([np.add(side["genuine"], side["impostor"]) for side in sides], axis=0))
    if len(used):
        width = 2 / len(sides[0]["genuine"])
        axes.set_xlim(used[0] * width - 1 - width, used[-1] * width - 1 + 2 * width)
    figure.savefig(file, format="png")


def draw_dets(sides: Sequence[dict[str, Any]], file: IO[bytes]) -> None:
    """FNIR over FPIR of several models. Writes a PNG. Raises Misconfigured.

    `sides`: each with `model`, and `det`, a list of (FPIR, FNIR).
    """
    figure, axes = new_plot("Detection error tradeoff", "leave-one-out identification in the gallery itself")
    least = 0.1
    for side, colour in zip(sides, (QUIET, CURVE), strict=True):
        points = np.array([point for point in side["det"] if point[1] > 0], np.float64).reshape(-1, 2)
        axes.step(points[:, 0], points[:, 1], where="post", color=colour, linewidth=1.8, label=side["model"])
        least = min(least, float(points[:, 1].min(initial=least)))
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="false positive identification rate (FPIR)",
        ylabel="false negative identification rate (FNIR)",
    )
    axes.set_ylim(0.6 * least, 1.0)
    axes.legend(frameon=False)
    percent_axes(axes)
    figure.savefig(file, format="png")
