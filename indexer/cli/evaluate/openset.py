"""`gemel evaluate openset`."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption, PlotOption
from indexer.evaluation import lfw
from indexer.evaluation.identification import growth, rates
from indexer.evaluation.identification.plot import draw_det
from indexer.evaluation.identification.report import Measurement, report
from indexer.evaluation.identification.several import SeveralSet, search_several, split_several
from indexer.evaluation.open_set import OpenSet, roles, split
from indexer.evaluation.provenance import here
from indexer.pipeline.embed_files import Embeddings, embed_with

LargestOption = Annotated[
    int,
    typer.Option(
        "--largest",
        min=0,
        metavar="N",
        help="Enlarge the gallery to N by synthetic distractors; 0 for none.",
    ),
]

EnrolOption = Annotated[
    int,
    typer.Option("--enrol", min=1, metavar="N", help="Enrol the first N images of each person."),
]
MinImagesOption = Annotated[
    int | None,
    typer.Option(
        "--min-images",
        min=2,
        metavar="M",
        help="With --enrol: search for people with M images or more; default: one more than enrolled.",
    ),
]


def openset(
    data: DataOption,
    model: ModelOption = None,
    largest: LargestOption = growth.SIZES[-1],
    enrol: EnrolOption = 1,
    min_images: MinImagesOption = None,
    json_file: Json = None,
    html_file: HtmlOption = None,
    plot_file: PlotOption = None,
) -> None:
    """Identification (1:N): enrols the people with several images, and searches for everybody.

    Then the gallery is enlarged by synthetic distractors, fitted to each model's own embeddings. With several
    images a person (`--enrol`) it is not enlarged, and each model has two columns: by the nearest face, and
    fused with the person's template.

    Example: `gemel evaluate openset --data lfw --json openset.json --html openset.html`
    """
    if enrol > 1:
        several = split_several(lfw.read_people(data), enrol=enrol, min_images=min_images or enrol + 1)
        _several(data, model, several, enrol, json_file, html_file, plot_file)
        return
    if min_images is not None:
        raise typer.BadParameter("--min-images needs --enrol 2 or more")
    open_set = split(lfw.read_people(data))
    files = sorted({*open_set.gallery, *open_set.mated, *open_set.nonmated})
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(files)) as advance:
        embedded = embed_with(opened, files, advance)
        models = [pipeline.card.fingerprint for pipeline in opened]
    measured = [
        _measured(embeddings, open_set, fingerprint, largest, start)
        for fingerprint, embeddings in zip(models, embedded, strict=True)
    ]
    made = here("gemel evaluate openset")
    description = f"{data.name}: {len(files):,} images"
    results = [
        {
            **asdict(one.result),
            "cmc": one.cmc.tolist(),
            "growth": asdict(one.growth) if one.growth else None,
        }
        for one in measured
    ]
    publish(report(made, description, measured), made, results, json_file, html_file, data=description)
    if plot_file:
        with plot_file.open("wb") as file:
            draw_det([(one.det, one.result) for one in measured], file)


def _several(
    data: Path,
    model: list[str] | None,
    several: SeveralSet,
    enrol: int,
    json_file: Path | None,
    html_file: Path | None,
    plot_file: Path | None,
) -> None:
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(several.files)) as advance:
        embedded = embed_with(opened, several.files, advance)
        models = [pipeline.card.fingerprint for pipeline in opened]
    measured = []
    for fingerprint, embeddings in zip(models, embedded, strict=True):
        for score, searches in search_several(embeddings, several).items():
            result = rates.measure(
                searches,
                gallery=len(several.gallery),
                undetected=embeddings.undetected,
                seconds=time.perf_counter() - start,
                model=f"{fingerprint} {score}",
            )
            measured.append(
                Measurement(result=result, det=rates.det(searches), cmc=rates.cmc(searches), growth=None)
            )
    made = here("gemel evaluate openset")
    description = f"{data.name}: {len(several.files):,} images; up to {enrol} of each person enrolled"
    results = [asdict(one.result) | {"cmc": one.cmc.tolist()} for one in measured]
    page = report(made, description, measured, enrolled=enrol)
    publish(page, made, results, json_file, html_file, data=description, enrolled=enrol)
    if plot_file:
        with plot_file.open("wb") as file:
            draw_det([(one.det, one.result) for one in measured], file)


def _measured(
    embeddings: Embeddings, open_set: OpenSet, model: str, largest: int, start: float
) -> Measurement:
    rows = roles(embeddings, open_set)
    searches = rates.search(embeddings.vectors, embeddings.found, rows)
    grown = None
    sizes = [size for size in growth.SIZES if size < largest] + [largest]
    if largest > len(open_set.gallery):
        with progress(
            largest - len(open_set.gallery), unit="distractors", doing="enlarging the gallery"
        ) as advance:
            grown = growth.grow(embeddings.vectors, embeddings.found, rows, sizes, progress=advance)
    result = rates.measure(
        searches,
        gallery=len(open_set.gallery),
        undetected=embeddings.undetected,
        seconds=time.perf_counter() - start,
        model=model,
    )
    return Measurement(
        result=result,
        det=rates.det(searches),
        cmc=rates.cmc(searches),
        growth=grown,
    )
