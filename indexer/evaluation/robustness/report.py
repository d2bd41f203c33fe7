"""The report of robustness."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import INTERVALS, Cell, Plot, Report, Row, Section, Table, facts, rate
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
    """`median_face_px`: the median length of the template's side over the probes' faces, in image pixels."""
    first = results[0]
    models = tuple(result.model for result in results)
    return Report(
        title="Robustness",
        lead="The gallery has clean photographs; the probes are degraded before detection. A face that is no"
        " longer detected is a miss. The threshold is that of the clean probes at an FPIR of 1 %, as an"
        " operator would set it.",
        facts=facts(
            provenance,
            models,
            data,
            ("Gallery", f"{first.gallery:,} people, one image each"),
            ("Probes", f"{first.mated:,} mated, {first.nonmated:,} non-mated, at each level"),
            ("Threshold", ", ".join(f"{result.threshold:.3f}" for result in results)),
            ("Faces", f"median side of the 112-pixel template: {median_face_px:.0f} px of the photograph"),
            ("No face detected", f"{first.undetected:,} of the clean images; they count as misses"),
            ("Duration", f"{first.seconds:.0f} s, all models"),
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
        plots=(Plot(alt=f"{series.title}: rank-1 and FNIR", draw=partial(draw_series, series, results)),),
        table=Table(columns=("no face detected", *columns), rows=tuple(rows)),
        notes=(INTERVALS,),
    )
