"""The report of verification."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import (
    INTERVALS,
    Cell,
    Plot,
    Report,
    Row,
    Section,
    Table,
    count,
    facts,
    rate,
)
from indexer.evaluation.verification import plot as plots
from indexer.evaluation.verification.rates import Roc, VerificationResult


def report(provenance: Provenance, data: str, measured: Sequence[tuple[Roc, VerificationResult]]) -> Report:
    """`measured`: one item per model."""
    results = [result for _, result in measured]
    models = [result.model for result in results]
    rows = [
        Row(label="pairs", cells=tuple(count(r.pairs) for r in results)),
        Row(label="images without a detected face", cells=tuple(count(r.undetected) for r in results)),
        Row(
            label="accuracy",
            note="mean of the folds ± its standard error",
            cells=tuple(Cell(text=f"{r.accuracy:.2%} ± {r.accuracy_se:.2%}") for r in results),
        ),
        *(
            Row(
                label=f"TAR at FAR {float(far):.1%}",
                cells=tuple(rate(r.tar_at_far[far], r.tar_interval[far]) for r in results),
            )
            for far in results[0].tar_at_far
        ),
        Row(label="equal error rate", cells=tuple(rate(r.eer) for r in results)),
    ]
    return Report(
        title="Verification (1:1)",
        lead="Do two photographs show the same person? The pairs are divided into folds; the threshold of"
        " each fold is the best one on the others. A pair without a detected face counts as rejected.",
        facts=facts(provenance, models, data, ("Duration", f"{results[0].seconds:.0f} s, all models")),
        sections=(
            Section(title="Rates", table=Table(columns=tuple(models), rows=tuple(rows)), notes=(INTERVALS,)),
            Section(
                title="Curves",
                plots=(
                    Plot(alt="TAR over FAR", draw=partial(plots.draw_roc, measured)),
                    Plot(alt="FRR over FAR", draw=partial(plots.draw_det, measured)),
                ),
                notes=(
                    "3,000 mismatched pairs resolve no FAR below 0.03 %: TAR at FAR 0.1 % rests on three"
                    " of them.",
                )
                if results[0].pairs == 6000
                else (),
            ),
        ),
    )
