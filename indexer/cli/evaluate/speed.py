"""`gemel evaluate speed`."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, publish
from indexer.cli.evaluate.options import HtmlOption, ModelOption
from indexer.errors import InvalidRequest
from indexer.evaluation.provenance import here
from indexer.evaluation.speed import timings
from indexer.evaluation.speed.report import report
from indexer.settings import Settings

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

PicturesOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder of photographs.")]
MostOption = Annotated[
    int, typer.Option("--pictures", min=1, help="At most this number of pictures, drawn at random.")
]
RunsOption = Annotated[int, typer.Option("--runs", min=1, help="Runs per batch size.")]


def speed(
    data: PicturesOption,
    model: ModelOption = None,
    pictures: MostOption = 200,
    runs: RunsOption = 60,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Milliseconds of decode, detect and align, and of the network at batches of 1, 8 and 32.

    Example: `gemel evaluate speed --data photographs --model sface --model dlib-resnet`
    """
    settings = Settings()
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in PICTURES)
    if not files:
        raise InvalidRequest(f"{data} holds no pictures")
    chosen = [files[place] for place in np.random.default_rng(0).permutation(len(files))[:pictures]]
    start = time.perf_counter()
    with pipelines(model) as opened:
        detected, shared, undetected = timings.detect(opened[0], chosen)
        own_timings = []
        with progress(len(timings.BATCHES) * runs * len(opened), unit="runs", doing="embedding") as advance:
            for place, pipeline in enumerate(opened):
                own_timings.append(
                    timings.measure(pipeline, detected, runs, partial(_advance, advance, place * runs))
                )
        models = [pipeline.card.fingerprint for pipeline in opened]
    results = [
        timings.SpeedResult(
            timings=(*shared, *own),
            pictures=len(detected),
            undetected=undetected,
            median_megapixels=float(
                np.median([pixels.shape[0] * pixels.shape[1] for pixels, _ in detected]) / 1e6
            ),
            device=settings.device or "default",
            precision=settings.precision,
            seconds=time.perf_counter() - start,
            model=fingerprint,
        )
        for fingerprint, own in zip(models, own_timings, strict=True)
    ]
    made = here("gemel evaluate speed")
    description = f"{data.name}: {len(chosen):,} of {len(files):,} pictures"
    publish(report(made, description, results), made, results, json_file, html_file, data=description)


def _advance(advance: Callable[[int], None], before: int, done: int) -> None:
    advance(before * len(timings.BATCHES) + done)
