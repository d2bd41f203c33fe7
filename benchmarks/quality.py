"""The cost of blur and small size, beside the quality figures: the source of the quality limits.

The first image of some people of LFW is degraded and compared with their second, which is not.

    python -m benchmarks.quality --data LFW
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFilter
from rich.console import Console
from rich.table import Table

from indexer.evaluation.lfw import read_people
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from indexer.vision.detect import central

Spoil = Callable[[PIL.Image.Image], PIL.Image.Image]


def blurred(sigma_px: float) -> Spoil:
    return lambda image: image.filter(PIL.ImageFilter.GaussianBlur(sigma_px))


def shrunk(scale: float) -> Spoil:
    return lambda image: image.resize(
        (round(image.width * scale), round(image.height * scale)), PIL.Image.Resampling.BOX
    )


SPOILS = {f"blurred, sigma {sigma} px": blurred(sigma) for sigma in (0, 1, 2, 2.5, 3, 4, 6)} | {
    f"shrunk to {scale}": shrunk(scale) for scale in (0.6, 0.4, 0.3, 0.2, 0.15)
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: one folder per person")
    parser.add_argument("--people", type=int, default=120)
    arguments = parser.parse_args()
    several = [person for person in read_people(arguments.data) if len(person.images) > 1]
    chosen = several[:: max(1, len(several) // arguments.people)][: arguments.people]
    table = Table(
        "Degraded",
        "Detected",
        "Face px",
        "Sharpness, 5 % / median",
        "Score with the mate, median",
        "Under 0.44",
    )
    with open_pipeline(Settings()) as pipeline:
        mates = [embed(pipeline, PIL.Image.open(person.images[1])) for person in chosen]
        for name, spoil in SPOILS.items():
            outcomes = [
                (embed(pipeline, spoil(PIL.Image.open(person.images[0]))), mate)
                for person, mate in zip(chosen, mates, strict=True)
            ]
            found = [(a, b) for a, b in outcomes if a is not None and b is not None]
            scores = np.array([a[0] @ b[0] for a, b in found])
            sharpness = np.percentile([a[1] for a, _ in found], [5, 50])
            table.add_row(
                name,
                f"{len(found)} of {len(outcomes)}",
                f"{np.median([a[2] for a, _ in found]):.0f}",
                f"{sharpness[0]:.4f} / {sharpness[1]:.4f}",
                f"{np.median(scores):.3f}",
                f"{np.mean(scores < 0.44):.0%}",
            )
    Console().print(table)


def embed(pipeline: Pipeline, image: PIL.Image.Image) -> tuple[np.ndarray, float, float] | None:
    """The embedding of the central face, its sharpness ratio and its size in pixels."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG")
    photograph = pipeline.detect(file.getvalue(), Stopwatch())
    face = central([seen.face for seen in photograph.faces], photograph.pixels)
    seen = next((seen for seen in photograph.faces if seen.face is face), None)
    if seen is None:
        return None
    return pipeline.embed([seen], Stopwatch())[0], seen.quality.sharpness_ratio, seen.quality.face_px


if __name__ == "__main__":
    main()
