"""The time of each stage on this machine, one at a time: decode, detect, align, embed.

Under load it is another: see `benchmarks`. Faces go through the pipeline that serves, one by one and in
batches. The first runs of the network load libraries and choose kernels; they do not count.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from indexer.embedding.embedder import stacked
from indexer.errors import InvalidInput, InvalidRequest
from indexer.pipeline.embed_files import central_face
from indexer.pipeline.pipeline import Pipeline
from indexer.types import Face, Image

BATCHES = (1, 8, 32)
_WARM_UP = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    stage: str
    batch: int
    runs: int
    median_ms: float
    """Per face, or per image for `decode` and `detect`: the time of a batch divided by its size."""
    p95_ms: float

    @property
    def per_second(self) -> float:
        """At the median."""
        return 1000 / self.median_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedResult:
    timings: tuple[Timing, ...]
    pictures: int
    """Images with a face, which were used."""
    undetected: int
    """Files without a face, which count for `detect`, and files that cannot be read."""
    median_megapixels: float
    device: str
    """The device in the settings; `default` means a GPU if there is one."""
    precision: str
    seconds: float
    model: str


DetectedFaces = list[tuple[Image, Face]]
"""Images, each with its central face."""


def detect(pipeline: Pipeline, files: Sequence[Path]) -> tuple[DetectedFaces, list[Timing], int]:
    """The images with a face, the timings of the stages that all models share, and the number of files
    without a face.

    Raises InvalidRequest if no image has a face.
    """
    decoding, detecting = [], []
    detected: DetectedFaces = []
    for file in files:
        try:
            start = time.perf_counter()
            pixels = pipeline.decoder.decode(file.read_bytes()).pixels
            decoded_at = time.perf_counter()
            face = central_face(pipeline, pixels)
            detecting.append(time.perf_counter() - decoded_at)
            decoding.append(decoded_at - start)
        except (InvalidInput, OSError):
            continue
        if face is not None:
            detected.append((pixels, face))
    if not detected:
        raise InvalidRequest("no face is detected in any of the pictures")
    return (
        detected,
        [_timing("decode", 1, decoding), _timing("detect", 1, detecting)],
        len(files) - len(detected),
    )


def measure(
    pipeline: Pipeline, detected: DetectedFaces, runs: int, progress: Callable[[int], object] | None = None
) -> list[Timing]:
    """`runs`: per batch size. `progress` is called with the number of runs done, over all sizes."""
    aligning, faces = [], []
    for pixels, face in detected:
        start = time.perf_counter()
        faces.append(pipeline.align(pixels, face).pictures)
        aligning.append(time.perf_counter() - start)
    timings = [_timing("align", 1, aligning)]
    done = 0
    for batch in BATCHES:
        spent = []
        for run in range(_WARM_UP + runs):
            chosen = stacked([faces[(run * batch + place) % len(faces)] for place in range(batch)])
            start = time.perf_counter()
            pipeline.embedder.embed(*chosen)
            spent.append((time.perf_counter() - start) / batch)
            done += run >= _WARM_UP
            if progress:
                progress(done)
        timings.append(_timing("embed", batch, spent[_WARM_UP:]))
    return timings


def _timing(stage: str, batch: int, seconds: Sequence[float]) -> Timing:
    median, p95 = np.quantile(seconds, (0.5, 0.95)) * 1e3
    return Timing(stage=stage, batch=batch, runs=len(seconds), median_ms=float(median), p95_ms=float(p95))
