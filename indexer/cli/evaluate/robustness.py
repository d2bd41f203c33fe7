"""`gemel evaluate robustness`."""

import time
from statistics import median
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption
from indexer.evaluation import lfw
from indexer.evaluation.provenance import here
from indexer.evaluation.robustness import rates
from indexer.evaluation.robustness.conditions import SERIES, Series, face_side_px
from indexer.evaluation.robustness.report import report

PeopleOption = Annotated[
    int,
    typer.Option("--people", min=1, help="Number of people to enrol, and of strangers to search for."),
]
SeriesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--series",
        metavar="NAME",
        help=f"One of {', '.join(s.name for s in SERIES)}; repeatable; default: all.",
    ),
]


def robustness(
    data: DataOption,
    model: ModelOption = None,
    people: PeopleOption = 300,
    series: SeriesOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Identification of degraded probes: small, noisy, blurred, dark, covered or rotated faces.

    Example: `gemel evaluate robustness --data lfw --people 300 --html robustness.html`
    """
    chosen = _chosen(series)
    open_set = rates.subset(lfw.read_people(data), people)
    start = time.perf_counter()
    with pipelines(model) as opened, progress(rates.images_of(open_set, chosen)) as advance:
        embedded = rates.embed_conditions(opened, open_set, chosen, advance)
        models = [pipeline.card.fingerprint for pipeline in opened]
    results = [
        rates.measure(embedded, place, open_set, seconds=time.perf_counter() - start, model=fingerprint)
        for place, fingerprint in enumerate(models)
    ]
    made = here("gemel evaluate robustness")
    description = (
        f"{data.name}: {len(open_set.gallery):,} people with several images and"
        f" {len(open_set.nonmated):,} with one, drawn at random (seed 0)"
    )
    sides = [face_side_px(face) for face in embedded.faces.values() if face]
    side_px = median(sides) if sides else 0.0
    page = report(made, description, chosen, results, side_px)
    publish(page, made, results, json_file, html_file, data=description, median_face_px=side_px)


def _chosen(names: list[str] | None) -> list[Series]:
    known = {series.name: series for series in SERIES}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(f"{name!r} is not one of {', '.join(known)}", param_hint="--series")
    return [series for series in SERIES if names is None or series.name in names]
