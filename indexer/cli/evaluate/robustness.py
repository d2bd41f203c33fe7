"""`gemel evaluate robustness`."""

import time
from statistics import median
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, tell
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption
from indexer.evaluation import lfw
from indexer.evaluation.provenance import here
from indexer.evaluation.robustness import rates as measuring
from indexer.evaluation.robustness.conditions import SERIES, Series, face_side_px
from indexer.evaluation.robustness.report import report

PeopleOption = Annotated[
    int,
    typer.Option("--people", min=1, help="Enrol so many people, and search for as many strangers as well."),
]
SeriesOption = Annotated[
    list[str] | None,
    typer.Option("--series", metavar="NAME", help=f"Of {', '.join(s.name for s in SERIES)}; default: all."),
]


def robustness(
    data: DataOption,
    model: ModelOption = None,
    people: PeopleOption = 300,
    series: SeriesOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """What small, noisy, blurred, dark, covered or turned faces cost.

    Example: `gemel evaluate robustness --data lfw --people 300 --html robustness.html`
    """
    chosen = _chosen(series)
    open_set = measuring.subset(lfw.read_people(data), people)
    start = time.perf_counter()
    with pipelines(model) as opened, progress(measuring.images_of(open_set, chosen)) as told:
        embedded = measuring.embed_conditions(opened, open_set, chosen, told)
        models = [pipeline.card.fingerprint for pipeline in opened]
    results = [
        measuring.measure(embedded, place, open_set, seconds=time.perf_counter() - start, model=fingerprint)
        for place, fingerprint in enumerate(models)
    ]
    made = here("gemel evaluate robustness")
    told_data = (
        f"{data.name}: {len(open_set.gallery):,} people with several images and"
        f" {len(open_set.nonmated):,} with one, drawn at random (seed 0)"
    )
    sides = [face_side_px(face) for face in embedded.faces.values() if face]
    side_px = median(sides) if sides else 0.0
    page = report(made, told_data, chosen, results, side_px)
    tell(page, made, results, json_file, html_file, data=told_data, median_face_px=side_px)


def _chosen(names: list[str] | None) -> list[Series]:
    known = {series.name: series for series in SERIES}
    for name in names or ():
        if name not in known:
            raise typer.BadParameter(
                f"there is no {name!r}: there are {', '.join(known)}", param_hint="--series"
            )
    return [series for series in SERIES if names is None or series.name in names]
