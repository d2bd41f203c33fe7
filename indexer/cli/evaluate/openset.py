"""`gemel evaluate openset`."""

import time
from dataclasses import asdict
from typing import Annotated

import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, tell
from indexer.cli.evaluate.options import DataOption, HtmlOption, ModelOption, PlotOption
from indexer.evaluation import lfw
from indexer.evaluation.identification import growth
from indexer.evaluation.identification import rates as identification
from indexer.evaluation.identification.plot import draw_det
from indexer.evaluation.identification.report import Identified, report
from indexer.evaluation.open_set import OpenSet
from indexer.evaluation.provenance import here
from indexer.pipeline.embed_files import Embeddings, embed_with

LargestOption = Annotated[
    int,
    typer.Option(
        "--largest",
        min=0,
        metavar="N",
        help="Let the gallery grow to N with synthetic strangers; 0 for none.",
    ),
]


def openset(
    data: DataOption,
    model: ModelOption = None,
    largest: LargestOption = growth.SIZES[-1],
    json_file: Json = None,
    html_file: HtmlOption = None,
    plot_file: PlotOption = None,
) -> None:
    """Identification, one to many: enrols who has several images, searches for everyone.

    Then the gallery grows, with synthetic strangers that are fitted to each model's own embeddings.

    Example: `gemel evaluate openset --data lfw --json openset.json --html openset.html`
    """
    open_set = identification.split(lfw.read_people(data))
    files = sorted({*open_set.gallery, *open_set.mated, *open_set.nonmated})
    start = time.perf_counter()
    with pipelines(model) as opened, progress(len(files)) as told:
        embedded = embed_with(opened, files, told)
        models = [pipeline.card.fingerprint for pipeline in opened]
    measured = [
        _identified(embeddings, open_set, fingerprint, largest, start)
        for fingerprint, embeddings in zip(models, embedded, strict=True)
    ]
    made = here("gemel evaluate openset")
    told_data = f"{data.name}: {len(files):,} images"
    results = [
        {
            **asdict(one.result),
            "cmc": one.cmc.tolist(),
            "growth": asdict(one.growth) if one.growth else None,
        }
        for one in measured
    ]
    tell(report(made, told_data, measured), made, results, json_file, html_file, data=told_data)
    if plot_file:
        with plot_file.open("wb") as file:
            draw_det([(one.det, one.result) for one in measured], file)


def _identified(
    embeddings: Embeddings, open_set: OpenSet, model: str, largest: int, start: float
) -> Identified:
    roles = identification.roles(embeddings, open_set)
    searches = identification.search_vectors(embeddings.vectors, embeddings.found, roles)
    grown = None
    sizes = [size for size in growth.SIZES if size < largest] + [largest]
    if largest > len(open_set.gallery):
        with progress(largest - len(open_set.gallery), unit="strangers", doing="growing") as told:
            grown = growth.grow(embeddings.vectors, embeddings.found, roles, sizes, progress=told)
    result = identification.measure(
        searches,
        gallery=len(open_set.gallery),
        undetected=embeddings.undetected,
        seconds=time.perf_counter() - start,
        model=model,
    )
    return Identified(
        result=result,
        det=identification.det(searches),
        cmc=identification.cmc(searches),
        growth=grown,
    )
