"""The curves of a measurement as a PNG. Draws what it is given and computes no rate.

Matplotlib is the extra `report`: it is imported when a picture is wanted, not before.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from indexer.errors import Misconfigured
from indexer.evaluation.identification import Det, IdentificationResult
from indexer.evaluation.verification import Roc, VerificationResult

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_CURVE = "#1f5fa8"
_POINT = "#c2410c"
_QUIET = "#555555"


def require_matplotlib() -> None:
    """Raises Misconfigured where it is not installed: ask before minutes of work, not after."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise Misconfigured("a plot needs matplotlib: pip install 'gemel[report]'") from None


def draw_roc(curve: Roc, result: VerificationResult, path: Path) -> None:
    """True accept rate over false accept rate, the latter logarithmic. Raises Misconfigured, OSError."""
    figure, axes = _canvas(
        "Verification (1:1): receiver operating characteristic",
        f"{result.pairs:,} pairs · accuracy {result.accuracy:.2%} ± {result.accuracy_se:.2%}"
        f" · {result.model}",
    )
    resolved = curve.far > 0  # a logarithmic axis has no zero
    axes.step(curve.far[resolved], curve.tar[resolved], where="post", color=_CURVE, linewidth=1.8)
    # The upper end is where the curve is; from 0 to 1 it would be a line along the frame.
    most_lost = max(0.002, result.eer, *(1 - tar for tar in result.tar_at_far.values()))
    axes.set(xscale="log", xlabel="false accept rate (FAR)", ylabel="true accept rate (TAR)")
    axes.set_xlim(float(curve.far[resolved].min(initial=1e-3)), 1.0)
    axes.set_ylim(max(0.0, 1 - 1.6 * most_lost), 1 + 0.1 * most_lost)
    for far, tar in result.tar_at_far.items():
        _mark(axes, float(far), tar, f"TAR {tar:.2%} at FAR {_percent(float(far))}", corner="lower right")
    if result.eer > 0:
        _mark(axes, result.eer, 1 - result.eer, f"EER {result.eer:.2%}", corner="upper left")
    _in_percent(axes)
    figure.savefig(path, format="png")


def draw_det(curve: Det, result: IdentificationResult, path: Path) -> None:
    """FNIR over FPIR, both logarithmic. Raises Misconfigured, OSError."""
    figure, axes = _canvas(
        "Open-set identification (1:N): detection error tradeoff",
        f"{result.gallery:,} enrolled · {result.mated:,} mated and {result.nonmated:,} non-mated probes"
        f" · {result.model}",
    )
    shown = (curve.fpir > 0) & (curve.fnir > 0)  # logarithmic axes have no zero
    axes.step(curve.fpir[shown], curve.fnir[shown], where="post", color=_CURVE, linewidth=1.8)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="false positive identification rate (FPIR)",
        ylabel="false negative identification rate (FNIR)",
    )
    axes.set_xlim(float(curve.fpir[shown].min(initial=1e-3)), 1.0)
    axes.set_ylim(0.6 * float(curve.fnir[shown].min(initial=0.1)), 1.0)
    missed = 1 - result.rank1
    if missed > 0:
        axes.axhline(missed, color=_QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"not in first place, whatever the threshold: {missed:.2%}",
            (0.0, missed),
            xycoords=axes.get_yaxis_transform(),
            xytext=(8, -4),
            textcoords="offset points",
            va="top",
            fontsize=9,
            color=_QUIET,
        )
    for fpir, fnir in result.fnir_at_fpir.items():
        if fnir > 0:
            threshold = result.threshold_at_fpir[fpir]
            label = f"FNIR {fnir:.2%} at FPIR {_percent(float(fpir))}\nthreshold {threshold:.3f}"
            _mark(axes, float(fpir), fnir, label, corner="upper right")
    _in_percent(axes)
    figure.savefig(path, format="png")


def draw_scores(sides: Sequence[dict[str, Any]], file: IO[bytes]) -> None:
    """Distributions of genuine and of impostor scores, a model above the other. Raises Misconfigured.

    `sides`: each with `model`, and `genuine` and `impostor` counts in equal bins from -1 to 1.
    """
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.9 * len(sides)), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, side in zip(np.atleast_1d(figure.subplots(len(sides), sharex=True)), sides, strict=True):
        for kind, colour in (("impostor", _POINT), ("genuine", _CURVE)):
            counts = np.array(side[kind], np.float64)
            edges = np.linspace(-1, 1, len(counts) + 1)
            shares = counts / max(1.0, counts.sum())
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
            axes.stairs(shares, edges, color=colour, linewidth=1.3, label=kind)
        head(axes, side["model"], "best score of the person's other faces, and of anybody else's")
        point = side["at_fpir"].get("0.01")
        if point:
            axes.axvline(point["threshold"], color=_QUIET, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                f"FPIR 1%: {point['threshold']:.3f}",
                (point["threshold"], 1.0),
                xycoords=axes.get_xaxis_transform(),
                xytext=(5, -4),
                textcoords="offset points",
                va="top",
                fontsize=9,
                color=_QUIET,
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
    """FNIR over FPIR of several models. Raises Misconfigured.

    `sides`: each with `model`, and `det`, a list of (FPIR, FNIR).
    """
    figure, axes = _canvas("Detection error tradeoff", "leave-one-out identification in the gallery itself")
    least = 0.1
    for side, colour in zip(sides, (_QUIET, _CURVE), strict=True):
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
    _in_percent(axes)
    figure.savefig(file, format="png")


def _canvas(title: str, subtitle: str) -> "tuple[Figure, Axes]":
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.4), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: it would look for a screen, and keep the figure alive
    axes = figure.add_subplot()
    head(axes, title, subtitle)
    return figure, axes


def head(axes: "Axes", title: str, subtitle: str) -> None:
    """Title, subtitle and grid, as on all pictures of the project."""
    axes.set_title(title, fontsize=13, fontweight="bold", pad=22)
    axes.annotate(
        subtitle,
        (0.5, 1.0),
        xycoords="axes fraction",
        xytext=(0, 9),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=_QUIET,
    )
    axes.grid(visible=True, which="major", color="#c8c8c8", linewidth=0.8)
    axes.grid(visible=True, which="minor", color="#ececec", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _mark(axes: "Axes", x: float, y: float, label: str, *, corner: str) -> None:
    """An operating point, its label towards the `corner` that the curve leaves free."""
    upper, left = "upper" in corner, "left" in corner
    axes.plot(x, y, "o", color=_POINT, markersize=7, markeredgecolor="white", clip_on=False, zorder=3)
    axes.annotate(
        label,
        (x, y),
        xytext=(-8 if left else 8, 7 if upper else -7),
        textcoords="offset points",
        ha="right" if left else "left",
        va="bottom" if upper else "top",
        fontsize=9,
        color=_POINT,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
    )


def _percent(rate: float, _place: float = 0) -> str:
    return f"{100 * rate:g}%"


def _in_percent(axes: "Axes") -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_formatter(NullFormatter())
        axis.set_major_formatter(_percent)
