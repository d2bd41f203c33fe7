"""`gemel evaluate speed`."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from indexer.cli.commands import Json
from indexer.cli.evaluate.measurement import pipelines, progress, tell
from indexer.cli.evaluate.options import HtmlOption, ModelOption
from indexer.errors import InvalidRequest
from indexer.evaluation.provenance import here
from indexer.evaluation.speed import timings as measuring
from indexer.evaluation.speed.report import report
from indexer.settings import Settings

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

PicturesOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="A folder of photographs.")]
MostOption = Annotated[int, typer.Option("--pictures", min=1, help="Use at most so many, drawn at random.")]
RunsOption = Annotated[int, typer.Option("--runs", min=1, help="Of each batch size.")]


def speed(
    data: PicturesOption,
    model: ModelOption = None,
    pictures: MostOption = 200,
    runs: RunsOption = 60,
    json_file: Json = None,
    html_file: HtmlOption = None,
) -> None:
    """Milliseconds of decode, detect, align, and of the network at batches of 1, 8 and 32.

    Example: `gemel evaluate speed --data photographs --model sface --model dlib-resnet`
    """
    settings = Settings()
    files = sorted(path for path in data.rglob("*") if path.suffix.lower() in PICTURES)
    if not files:
        raise InvalidRequest(f"{data} holds no pictures")
    chosen = [files[place] for place in np.random.default_rng(0).permutation(len(files))[:pictures]]
    start = time.perf_counter()
    with pipelines(model) as opened:
        seen, shared, undetected = measuring.look(opened[0], chosen)
        timings = []
        with progress(len(measuring.BATCHES) * runs * len(opened), unit="runs", doing="embedding") as told:
            for place, pipeline in enumerate(opened):
                timings.append(measuring.measure(pipeline, seen, runs, partial(_tell, told, place * runs)))
        models = [pipeline.card.fingerprint for pipeline in opened]
    results = [
        measuring.SpeedResult(
            timings=(*shared, *own),
            pictures=len(seen),
            undetected=undetected,
            median_megapixels=float(
                np.median([pixels.shape[0] * pixels.shape[1] for pixels, _ in seen]) / 1e6
            ),
            device=settings.device or "default",
            precision=settings.precision,
            seconds=time.perf_counter() - start,
            model=fingerprint,
        )
        for fingerprint, own in zip(models, timings, strict=True)
    ]
    made = here("gemel evaluate speed")
    told_data = f"{data.name}: {len(chosen):,} of {len(files):,} pictures"
    tell(report(made, told_data, results), made, results, json_file, html_file, data=told_data)


def _tell(told: Callable[[int], None], before: int, done: int) -> None:
    told(before * len(measuring.BATCHES) + done)
