"""The report of identification: open set, closed set, and larger galleries."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.identification import plot as plots
from indexer.evaluation.identification.growth import Growth, GrowthPoint
from indexer.evaluation.identification.rates import Det, IdentificationResult
from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import (
    INTERVALS,
    Cell,
    Plot,
    Report,
    Row,
    Section,
    Table,
    facts,
    rate,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measurement:
    """The results of one model."""

    result: IdentificationResult
    det: Det
    cmc: NDArray[np.float64]
    growth: Growth | None


def report(
    provenance: Provenance, data: str, measured: Sequence[Measurement], *, enrolled: int = 1
) -> Report:
    """`enrolled`: the most images of a person in the gallery."""
    images = "one image" if enrolled == 1 else f"up to {enrolled} images"
    results = [one.result for one in measured]
    first = results[0]
    models = tuple(result.model for result in results)
    return Report(
        title="Identification (1:N)",
        lead="Who of the people in the gallery is this, if anyone? People with several images are enrolled"
        f" with {'the first' if enrolled == 1 else f'the first {enrolled}'}; the others are mated probes."
        " Images of people with one image are non-mated probes.",
        facts=facts(
            provenance,
            models,
            data,
            ("Gallery", f"{first.gallery:,} people, {images} each"),
            ("Probes", f"{first.mated:,} mated, {first.nonmated:,} non-mated"),
            ("No face detected", f"{first.undetected:,} images; they count as misses"),
            ("Duration", f"{first.seconds:.0f} s, all models"),
        ),
        sections=(
            _open_set(measured, results, models),
            _closed_set(measured, results, models),
            *_growth(measured, models),
        ),
    )


def _open_set(
    measured: Sequence[Measurement], results: Sequence[IdentificationResult], models: tuple[str, ...]
) -> Section:
    rows = [Row(label="rank-1", cells=tuple(rate(r.rank1, r.rank1_interval) for r in results))]
    for fpir in results[0].fnir_at_fpir:
        rows.append(
            Row(
                label=f"FNIR at FPIR {float(fpir):.1%}",
                note="share of mated probes missed at this rate of false alarms" if len(rows) == 1 else "",
                cells=tuple(rate(r.fnir_at_fpir[fpir], r.fnir_interval[fpir]) for r in results),
            )
        )
        rows.append(
            Row(
                label="threshold",
                cells=tuple(Cell(text=f"{r.threshold_at_fpir[fpir]:.3f}") for r in results),
            )
        )
    draw = partial(plots.draw_det, [(one.det, one.result) for one in measured])
    return Section(
        title="Open set",
        plots=(Plot(alt="FNIR over FPIR", draw=draw),),
        table=Table(columns=models, rows=tuple(rows)),
        notes=(f"{INTERVALS} Scores of different models are not comparable.",),
    )


def _closed_set(
    measured: Sequence[Measurement], results: Sequence[IdentificationResult], models: tuple[str, ...]
) -> Section:
    draw = partial(plots.draw_cmc, [(one.cmc, one.result) for one in measured])
    rows = tuple(
        Row(label=f"within rank {k}", cells=tuple(rate(r.within_rank[k]) for r in results))
        for k in results[0].within_rank
    )
    return Section(
        title="Closed set",
        text=("The share of mated probes whose own person is among the first k, at any score.",),
        plots=(Plot(alt="Share found over rank", draw=draw),),
        table=Table(columns=models, rows=rows),
    )


def _growth(measured: Sequence[Measurement], models: tuple[str, ...]) -> tuple[Section, ...]:
    grown = [one.growth for one in measured if one.growth is not None]
    if len(grown) != len(measured):
        return ()
    columns = tuple(f"{model}, {what}" for model in models for what in ("rank-1", "FNIR at FPIR 1 %"))
    rows = [
        _row([growth.points[place] for growth in grown], f"{point.gallery:,} enrolled")
        for place, point in enumerate(grown[0].points)
    ]
    sections = [
        Section(
            title="Larger galleries",
            text=(
                "The gallery is enlarged by synthetic distractors: vectors drawn from a Gaussian that is"
                f" fitted to each model's embeddings of {grown[0].fitted_people:,} people, one image each."
                " They are not faces. The probes are real, and the same at every size.",
            ),
            plots=(
                Plot(
                    alt="Rank-1 and FNIR over the gallery's size",
                    draw=partial(plots.draw_growth, list(zip(models, grown, strict=True))),
                ),
            ),
            table=Table(columns=columns, rows=tuple(rows)),
            notes=(INTERVALS,),
        )
    ]
    real = [growth.with_real for growth in grown if growth.with_real is not None]
    synthetic = [growth.with_synthetic for growth in grown if growth.with_synthetic is not None]
    if real and synthetic:
        sections.append(
            Section(
                title="Real and synthetic distractors",
                text=(
                    f"The same gallery plus {real[0].gallery - synthetic[0].real:,} strangers: real ones,"
                    " then as many synthetic distractors. The other half of the real strangers are the"
                    " non-mated probes. The closer the two rows (diamonds in the plot), the more realistic"
                    " the distractors. If real strangers cost more, the curve above is too optimistic."
                    " Larger sizes cannot be checked against real people here.",
                ),
                table=Table(
                    columns=columns,
                    rows=(_row(real, "real strangers"), _row(synthetic, "synthetic strangers")),
                ),
            )
        )
    return tuple(sections)


def _row(points: Sequence[GrowthPoint], label: str) -> Row:
    one = points[0]
    return Row(
        label=label,
        note=f"{one.real:,} real, {one.synthetic:,} synthetic" if one.synthetic else "all real",
        cells=tuple(
            cell
            for point in points
            for cell in (rate(point.rank1, point.rank1_interval), rate(point.fnir, point.fnir_interval))
        ),
    )
