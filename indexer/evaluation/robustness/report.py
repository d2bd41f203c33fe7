"""The report of what bad photographs cost."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import INTERVALS, Cell, Picture, Report, Row, Section, Table, facts, rate
from indexer.evaluation.robustness.conditions import Series
from indexer.evaluation.robustness.plot import draw_series, in_order
from indexer.evaluation.robustness.rates import RobustnessResult


def report(
    provenance: Provenance,
    data: str,
    series: Sequence[Series],
    results: Sequence[RobustnessResult],
    median_face_px: float,
) -> Report:
    """`median_face_px`: the median side of the template over the probes' faces, in their own pixels."""
    first = results[0]
    models = tuple(result.model for result in results)
    return Report(
        title="Robustness",
        lead="Enrolled with a clean photograph, searched for with a bad one. Each probe is degraded before"
        " the face is looked for, so that a face that is no longer found is a miss. The threshold is the one"
        " for FPIR 1 % of clean probes, as an operator would have set it.",
        facts=facts(
            provenance,
            models,
            data,
            ("Enrolled", f"{first.gallery:,} people, one image each"),
            ("Probes", f"{first.mated:,} of enrolled people, {first.nonmated:,} of strangers, at each level"),
            ("Threshold", ", ".join(f"{result.threshold:.3f}" for result in results)),
            ("Faces", f"median side of the 112-pixel template {median_face_px:.0f} px in the photographs"),
            ("No face found", f"{first.undetected:,} of the clean images; they count as misses"),
            ("Took", f"{first.seconds:.0f} s, all models together"),
        ),
        sections=tuple(_section(one, results, models) for one in series),
    )


def _section(series: Series, results: Sequence[RobustnessResult], models: tuple[str, ...]) -> Section:
    columns = tuple(f"{model}, {what}" for model in models for what in ("rank-1", "FNIR", "FPIR"))
    rows = []
    for place, level in enumerate(in_order(series, results[0])):
        rates = [in_order(series, result)[place] for result in results]
        rows.append(
            Row(
                label=level.level,
                cells=(
                    Cell(text=f"{level.not_found:.1%}"),
                    *(
                        cell
                        for one in rates
                        for cell in (
                            rate(one.rank1, one.rank1_interval),
                            rate(one.fnir, one.fnir_interval),
                            rate(one.fpir),
                        )
                    ),
                ),
            )
        )
    return Section(
        title=series.title,
        text=(f"Levels: {series.unit}.",) if series.unit else (),
        pictures=(
            Picture(alt=f"{series.title}: rank-1 and FNIR", draw=partial(draw_series, series, results)),
        ),
        table=Table(columns=("no face found", *columns), rows=tuple(rows)),
        notes=(INTERVALS,),
    )
