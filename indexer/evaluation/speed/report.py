"""The report of speed."""

from collections.abc import Sequence
from functools import partial

from indexer.evaluation.provenance import Provenance
from indexer.evaluation.report import Cell, Plot, Report, Row, Section, Table, facts
from indexer.evaluation.speed.plot import draw_speed
from indexer.evaluation.speed.timings import SpeedResult


def report(provenance: Provenance, data: str, results: Sequence[SpeedResult]) -> Report:
    first = results[0]
    models = tuple(result.model for result in results)
    columns = tuple(f"{model}, {what}" for model in models for what in ("median ms", "p95 ms", "per second"))
    rows = []
    for place, timing in enumerate(first.timings):
        timings = [result.timings[place] for result in results]
        rows.append(
            Row(
                label=f"{timing.stage}, batch {timing.batch}",
                note=f"{timing.runs} runs",
                cells=tuple(
                    Cell(text=text)
                    for one in timings
                    for text in (f"{one.median_ms:.2f}", f"{one.p95_ms:.2f}", f"{one.per_second:,.0f}")
                ),
            )
        )
    return Report(
        title="Speed",
        lead="Milliseconds per face (per picture for decode and detect), one stage at a time, without"
        " other load. An identification takes one of each stage, and a search.",
        facts=facts(
            provenance,
            models,
            data,
            ("Pictures", f"{first.pictures:,} with a face, median {first.median_megapixels:.2f} megapixels"),
            ("No face detected", f"{first.undetected:,} further pictures"),
            ("Network", f"device {first.device}, {first.precision}"),
            ("Duration", f"{first.seconds:.0f} s, all models"),
        ),
        sections=(
            Section(
                title="Stages",
                plots=(Plot(alt="Milliseconds by stage", draw=partial(draw_speed, results)),),
                table=Table(columns=columns, rows=tuple(rows)),
                notes=("Decode and detect are the same for all models, and are timed once.",),
            ),
        ),
    )
