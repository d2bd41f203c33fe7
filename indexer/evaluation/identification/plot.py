"""The plots of identification: DET, CMC, and the rates over the gallery's size."""

from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.identification.growth import Growth
from indexer.evaluation.identification.rates import Det, IdentificationResult
from indexer.pages.plots import (
    MODELS,
    QUIET,
    line_style,
    mark_point,
    new_figure,
    new_plot,
    percent,
    percent_axes,
    require_matplotlib,
    set_titles,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw_det(models: Sequence[tuple[Det, IdentificationResult]], file: IO[bytes]) -> None:
    """FNIR over FPIR, both logarithmic. Writes a PNG. Raises Misconfigured."""
    results = [result for _, result in models]
    figure, axes = new_plot("Open-set identification (1:N): detection error tradeoff", _subtitle(results))
    left, low = 1e-3, 0.1
    for place, (curve, result) in enumerate(models):
        shown = (curve.fpir > 0) & (curve.fnir > 0)  # a logarithmic axis has no zero
        axes.step(curve.fpir[shown], curve.fnir[shown], where="post", label=result.model, **line_style(place))
        left = min(left, float(curve.fpir[shown].min(initial=1e-3)))
        low = min(low, float(curve.fnir[shown].min(initial=0.1)))
        low = min([low, *(fnir for fnir in result.fnir_at_fpir.values() if fnir > 0)])
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="false positive identification rate (FPIR)",
        ylabel="false negative identification rate (FNIR)",
    )
    axes.set_xlim(left, 1.0)
    axes.set_ylim(0.6 * low, 1.0)
    if len(models) == 1:
        _mark_points(axes, results[0])
    else:
        axes.legend(frameon=False)
    percent_axes(axes)
    figure.savefig(file, format="png")


def draw_cmc(models: Sequence[tuple[NDArray[np.float64], IdentificationResult]], file: IO[bytes]) -> None:
    """The share of own persons among the first k, over k. Writes a PNG. Raises Misconfigured."""
    results = [result for _, result in models]
    figure, axes = new_plot("Closed-set identification: cumulative match characteristic", _subtitle(results))
    for place, (curve, result) in enumerate(models):
        axes.step(np.arange(1, len(curve) + 1), curve, where="post", label=result.model, **line_style(place))
    axes.set(xscale="log", xlabel="rank", ylabel="share found within the rank")
    axes.set_xlim(1, max(len(curve) for curve, _ in models))
    missed = max(0.01, *(1 - float(curve.min()) for curve, _ in models))
    axes.set_ylim(1 - 1.1 * missed, 1 + 0.05 * missed)
    if len(models) > 1:
        axes.legend(frameon=False, loc="lower right")
    axes.xaxis.set_major_formatter(lambda rank, _place: f"{rank:g}")
    axes.xaxis.set_minor_formatter(lambda rank, _place: f"{rank:g}" if rank in (2, 5, 20, 50) else "")
    axes.yaxis.set_major_formatter(percent)
    figure.savefig(file, format="png")


def draw_growth(models: Sequence[tuple[str, Growth]], file: IO[bytes]) -> None:
    """Rank-1 and FNIR over the gallery's size, real and synthetic. Writes a PNG. Raises Misconfigured."""
    require_matplotlib()
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = new_figure(8, 7.6)
    upper, lower = figure.subplots(2, sharex=True)
    set_titles(
        upper,
        "Rank-1 as the gallery grows",
        "filled: real people only · hollow: with synthetic distractors, which are not faces",
    )
    set_titles(lower, "FNIR at FPIR 1% as the gallery grows", "the threshold rises with the size")
    for place, (model, growth) in enumerate(models):
        colour = MODELS[place % len(MODELS)]
        sizes = [point.gallery for point in growth.points]
        for axes, rates, bounds in (
            (upper, [p.rank1 for p in growth.points], [p.rank1_interval for p in growth.points]),
            (lower, [p.fnir for p in growth.points], [p.fnir_interval for p in growth.points]),
        ):
            axes.plot(sizes, rates, label=model, **line_style(place))
            ends = np.array([b or (r, r) for b, r in zip(bounds, rates, strict=True)])
            axes.fill_between(sizes, ends[:, 0], ends[:, 1], color=colour, alpha=0.15, linewidth=0)
            axes.plot(sizes[1:], rates[1:], "o", color=colour, markerfacecolor="white", zorder=3)
            axes.plot(sizes[:1], rates[:1], "o", color=colour, zorder=3)
        for point, filled, what in (
            (growth.with_real, True, "half of the real strangers enrolled"),
            (growth.with_synthetic, False, "synthetic distractors instead"),
        ):
            if point is not None:
                face = colour if filled else "white"
                for axes, rate in ((upper, point.rank1), (lower, point.fnir)):
                    style = {"color": colour, "markerfacecolor": face, "markersize": 6, "linestyle": "none"}
                    axes.plot(point.gallery, rate, "D", label=f"{model}: {what}", zorder=4, **style)
    lower.set(xscale="log", xlabel="people enrolled")
    lower.xaxis.set_major_locator(LogLocator(subs=(1, 3)))
    lower.xaxis.set_major_formatter(lambda size, _place: f"{size:,.0f}")
    lower.xaxis.set_minor_formatter(NullFormatter())
    for axes in (upper, lower):
        axes.yaxis.set_major_formatter(percent)
    upper.legend(frameon=False, fontsize=8, loc="lower left")
    figure.savefig(file, format="png")


def _mark_points(axes: "Axes", result: IdentificationResult) -> None:
    missed = 1 - result.rank1
    if missed > 0:
        axes.axhline(missed, color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"not at rank 1, at any threshold: {missed:.2%}",
            (0.0, missed),
            xycoords=axes.get_yaxis_transform(),
            xytext=(8, -4),
            textcoords="offset points",
            va="top",
            fontsize=9,
            color=QUIET,
        )
    for fpir, fnir in result.fnir_at_fpir.items():
        if fnir > 0:
            threshold = result.threshold_at_fpir[fpir]
            label = f"FNIR {fnir:.2%} at FPIR {percent(float(fpir))}\nthreshold {threshold:.3f}"
            mark_point(axes, float(fpir), fnir, label, corner="upper right")


def _subtitle(results: Sequence[IdentificationResult]) -> str:
    one = results[0]
    counts = f"{one.gallery:,} enrolled · {one.mated:,} mated and {one.nonmated:,} non-mated probes"
    return counts if len(results) > 1 else f"{counts} · {one.model}"
