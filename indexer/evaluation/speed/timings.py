"""How long each stage takes on this machine, alone: detect, align, embed. Not under load: see `benchmarks`.

Faces go through the pipeline that serves, one after the other and in batches. The network's first runs, which
load libraries and choose kernels, are thrown away.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.errors import InvalidInput, InvalidRequest
from indexer.pipeline.embed_files import central_face
from indexer.pipeline.pipeline import Pipeline
from indexer.types import Face, Image
from indexer.vision.align import align

BATCHES = (1, 8, 32)
_WARM_UP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    stage: str
    batch: int
    runs: int
    median_ms: float
    """Of a face, or of a picture for `detect`: a batch's time over its size."""
    p95_ms: float

    @property
    def per_second(self) -> float:
        """At the median."""
        return 1000 / self.median_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedResult:
    timings: tuple[Timing, ...]
    pictures: int
    """With a face, that were used."""
    undetected: int
    """Of the files: without a face, which `detect` was timed on nevertheless, or not to be read."""
    median_megapixels: float
    device: str
    """That the settings name; `default` is a GPU where there is one."""
    precision: str
    seconds: float
    model: str


Seen = list[tuple[Image, Face]]


def look(pipeline: Pipeline, files: Sequence[Path]) -> tuple[Seen, list[Timing], int]:
    """The pictures with a face, how long the stages took that all models share, and how many had none.

    Raises InvalidRequest where no picture has a face.
    """
    decoding, detecting = [], []
    seen: Seen = []
    for file in files:
        try:
            start = time.perf_counter()
            pixels = pipeline.decoder.decode(file.read_bytes()).pixels
            decoded = time.perf_counter()
            face = central_face(pipeline, pixels)
            detecting.append(time.perf_counter() - decoded)
            decoding.append(decoded - start)
        except (InvalidInput, OSError):
            continue
        if face is not None:
            seen.append((pixels, face))
    if not seen:
        raise InvalidRequest("none of the pictures shows a face that is found")
    return (
        seen,
        [_timing("decode", 1, decoding), _timing("detect", 1, detecting)],
        len(files) - len(seen),
    )


def measure(
    pipeline: Pipeline, seen: Seen, runs: int, progress: Callable[[int], object] | None = None
) -> list[Timing]:
    """`runs`: of each batch size. `progress` is told how many runs are done, of all sizes."""
    aligning, faces = [], []
    for pixels, face in seen:
        start = time.perf_counter()
        faces.append(align(pixels, face.landmarks, pipeline.template))
        aligning.append(time.perf_counter() - start)
    timings = [_timing("align", 1, aligning)]
    done = 0
    for batch in BATCHES:
        spent = []
        for run in range(_WARM_UP + runs):
            chosen = np.stack([faces[(run * batch + place) % len(faces)] for place in range(batch)])
            start = time.perf_counter()
            pipeline.embedder.embed(chosen)
            spent.append((time.perf_counter() - start) / batch)
            done += run >= _WARM_UP
            if progress:
                progress(done)
        timings.append(_timing("embed", batch, spent[_WARM_UP:]))
    return timings


def _timing(stage: str, batch: int, seconds: Sequence[float]) -> Timing:
    median, p95 = np.quantile(seconds, (0.5, 0.95)) * 1e3
    return Timing(stage=stage, batch=batch, runs=len(seconds), median_ms=float(median), p95_ms=float(p95))
