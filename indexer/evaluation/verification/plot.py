"""The plots of verification: ROC and DET curves."""

from collections.abc import Sequence
from typing import IO

import numpy as np

from indexer.evaluation.verification.rates import Roc, VerificationResult
from indexer.pages.plots import line_style, mark_point, new_plot, percent, percent_axes

Measured = Sequence[tuple[Roc, VerificationResult]]
"""One item per model."""


def draw_roc(models: Measured, file: IO[bytes]) -> None:
    """True accept rate over false accept rate, the latter logarithmic. Writes a PNG. Raises Misconfigured."""
    figure, axes = new_plot("Verification (1:1): receiver operating characteristic", _subtitle(models))
    most_lost, least = 0.002, 1e-3
    for place, (curve, result) in enumerate(models):
        resolved = curve.far > 0  # a logarithmic axis has no zero
        axes.step(
            curve.far[resolved], curve.tar[resolved], where="post", label=result.model, **line_style(place)
        )
        most_lost = max(most_lost, result.eer, *(1 - tar for tar in result.tar_at_far.values()))
        least = min(least, float(curve.far[resolved].min(initial=1e-3)))
    axes.set(xscale="log", xlabel="false accept rate (FAR)", ylabel="true accept rate (TAR)")
    axes.set_xlim(least, 1.0)
    # From 0 to 1 the curve would lie on the frame.
    axes.set_ylim(max(0.0, 1 - 1.6 * most_lost), 1 + 0.1 * most_lost)
    if len(models) == 1:
        [(_, result)] = models
        for far, tar in result.tar_at_far.items():
            label = f"TAR {tar:.2%} at FAR {percent(float(far))}"
            mark_point(axes, float(far), tar, label, corner="lower right")
        if result.eer > 0:
            mark_point(axes, result.eer, 1 - result.eer, f"EER {result.eer:.2%}", corner="upper left")
    else:
        axes.legend(frameon=False, loc="lower right")
    percent_axes(axes)
    figure.savefig(file, format="png")


def draw_det(models: Measured, file: IO[bytes]) -> None:
    """False reject rate over false accept rate, both logarithmic. Writes a PNG. Raises Misconfigured."""
    figure, axes = new_plot("Verification (1:1): detection error tradeoff", _subtitle(models))
    least = 1e-3
    for place, (curve, result) in enumerate(models):
        shown = (curve.far > 0) & (curve.tar < 1)
        axes.step(
            curve.far[shown], 1 - curve.tar[shown], where="post", label=result.model, **line_style(place)
        )
        least = min(least, float(np.min(1 - curve.tar[shown], initial=1e-3)))
    axes.set(xscale="log", yscale="log", xlabel="false accept rate (FAR)", ylabel="false reject rate (FRR)")
    axes.set_ylim(0.6 * least, 1.0)
    if len(models) > 1:
        axes.legend(frameon=False)
    percent_axes(axes)
    figure.savefig(file, format="png")


def _subtitle(models: Measured) -> str:
    _, result = models[0]
    if len(models) > 1:
        return f"{result.pairs:,} pairs"
    return (
        f"{result.pairs:,} pairs · accuracy {result.accuracy:.2%} ± {result.accuracy_se:.2%} · {result.model}"
    )
