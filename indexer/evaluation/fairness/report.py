"""The report of fairness."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.fairness.plot import draw_fairness
from indexer.evaluation.fairness.rates import FairnessResult, Ratio
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import INTERVALS, Cell, Plot, Report, Row, Section, Table, facts, rate


def report(
    provenance: Provenance,
    data: str,
    results: Sequence[FairnessResult],
    *,
    unlabelled: int,
    in_several: int,
) -> Report:
    """`unlabelled`: the number of images without a label, or with two; they are excluded. `in_several`: the
    number of people with images in more than one group."""
    first = results[0]
    models = tuple(result.model for result in results)
    origin = (
        "given"
        if first.threshold_fmr is None
        else f"at an FMR of {first.threshold_fmr:.2%} over all labelled pairs"
    )
    rows = []
    for place, group in enumerate(first.groups):
        groups = [result.groups[place] for result in results]
        rows.append(
            Row(
                label=f"FMR, {group.group}",
                note=f"{group.people:,} people, {group.impostor_pairs:,} pairs of images",
                cells=tuple(rate(one.fmr, one.fmr_interval) for one in groups),
            )
        )
    rows.append(Row(label="FMR, worst / best", cells=tuple(_ratio(result.fmr_ratio) for result in results)))
    for place, group in enumerate(first.groups):
        groups = [result.groups[place] for result in results]
        rows.append(
            Row(
                label=f"FNMR, {group.group}",
                note=f"{group.people_with_pairs:,} people, {group.genuine_pairs:,} pairs of images;"
                f" no face detected in {group.undetected:,} of {group.images:,}",
                cells=tuple(rate(one.fnmr, one.fnmr_interval) for one in groups),
            )
        )
    rows.append(Row(label="FNMR, worst / best", cells=tuple(_ratio(result.fnmr_ratio) for result in results)))
    return Report(
        title="Fairness",
        lead="Error rates of groups of people at one threshold. Each person and each pair of people counts"
        " once, however many images they have. Impostor pairs are two people of the same group.",
        facts=facts(
            provenance,
            models,
            data,
            ("Threshold", ", ".join(f"{result.threshold:.4f}" for result in results) + f", {origin}"),
            ("Excluded", f"{unlabelled:,} images without a label, or with two labels"),
            ("In several groups", f"{in_several:,} people have images in more than one group"),
            ("Duration", f"{first.seconds:.0f} s, all models"),
        ),
        sections=(
            Section(
                title="Rates by group",
                plots=(Plot(alt="FMR and FNMR by group", draw=partial(draw_fairness, results)),),
                table=Table(columns=models, rows=tuple(rows)),
                notes=(
                    f"{INTERVALS} Without any error, the upper bound is the Clopper-Pearson bound for the"
                    " number of people. A ratio is the worst group's rate divided by the best group's; its"
                    " interval may reach below 1.",
                    "The labels are those of the data: how somebody judged photographs, not who people are.",
                ),
            ),
        ),
    )


def _ratio(ratio: Ratio | None) -> Cell:
    if ratio is None or ratio.ratio is None:
        return Cell(text="not measurable")
    bounds = "" if ratio.interval is None else f" [{ratio.interval[0]:.2f} to {ratio.interval[1]:.2f}]"
    return Cell(text=f"{ratio.ratio:.2f}{bounds} ({ratio.worst} / {ratio.best})")
