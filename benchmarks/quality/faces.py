"""Photographs, some of them degraded, to faces with embedding and quality."""

import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from indexer.evaluation.robustness.conditions import SERIES, Level
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Image, Quality, Vectors
from indexer.vision import degrade
from indexer.vision.detection.detect import central

FIGURES = ("recognisability", "score", "size", "sharpness", "exposure", "pose", "face_px", "sharpness_ratio")
"""Of `Quality`: the higher, the better."""

Task: TypeAlias = tuple[Path, Level | None]
"""A file, and how its photograph is degraded."""

_BLOCK = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JudgedFaces:
    """One row for each photograph; without a face its vector is zero and its figures are NaN."""

    vectors: Vectors
    found: NDArray[np.bool_]
    figures: dict[str, NDArray[np.float64]]


def judge(pipeline: Pipeline, tasks: Sequence[Task]) -> JudgedFaces:
    """Of each photograph the face in the middle, as `indexer.pipeline.embed_files` takes it."""
    vectors = np.zeros((len(tasks), pipeline.card.dimension), np.float32)
    found = np.zeros(len(tasks), np.bool_)
    figures = {name: np.full(len(tasks), np.nan) for name in FIGURES}
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(tasks), _BLOCK):
            block = list(enumerate(tasks[start : start + _BLOCK], start))
            seen = list(pool.map(lambda one: _face(pipeline, one[1], one[0]), block))
            faces = {row: face for (row, _), face in zip(block, seen, strict=True) if face is not None}
            rows = list(faces)
            if rows:
                vectors[rows] = pipeline.embed(list(faces.values()), Stopwatch())
            found[rows] = True
            for row, face in faces.items():
                for name in FIGURES:
                    figures[name][row] = _figure(face.quality, name)
            print(f"\r{start + len(block):,} of {len(tasks):,}", end="", flush=True)
    print()
    return JudgedFaces(vectors=vectors, found=found, figures=figures)


def degradations() -> Iterator[tuple[str, Level]]:
    """Each with its name. Those of the robustness report, and fewer pixels, motion and little contrast."""
    for series in SERIES:
        if series.name != "rotation":  # faces are aligned
            for level in series.levels:
                yield f"{series.title}, {level.label}", level
    for factor in (0.6, 0.4, 0.3, 0.2):
        yield f"Smaller photograph, x {factor:g}", _shrunk(factor)
    for length_px in (8, 14, 20, 30):
        yield f"Motion, {length_px} px", _moved(length_px)
    for factor in (0.3, 0.15):
        yield f"Contrast, x {factor:g}", _flat(factor)


def _shrunk(factor: float) -> Level:
    def apply(image: Image, *_: object) -> Image:
        size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
        return np.asarray(PIL.Image.fromarray(image).resize(size, PIL.Image.Resampling.BOX))

    return Level(value=factor, label=f"x {factor:g}", apply=apply)


def _moved(length_px: int) -> Level:
    return Level(
        value=length_px,
        label=f"{length_px} px",
        apply=lambda image, _, rng: degrade.motion_blur(image, length_px, float(rng.uniform(0, 180))),
    )


def _flat(factor: float) -> Level:
    return Level(value=factor, label=f"x {factor:g}", apply=lambda image, *_: degrade.contrast(image, factor))


def _face(pipeline: Pipeline, task: Task, seed: int) -> AlignedFace | None:
    path, level = task
    pixels = np.asarray(PIL.Image.open(path).convert("RGB"))
    if level is not None:
        clean = central(pipeline.detector.detect(pixels), pixels)
        if clean is None:
            return None
        pixels = level.apply(pixels, clean, np.random.default_rng(seed))
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    faces = pipeline.detect(file.getvalue(), Stopwatch()).faces
    middle = central([each.face for each in faces], pixels)
    return next((each for each in faces if each.face is middle), None)


def _figure(quality: Quality, name: str) -> float:
    value = getattr(quality, name)
    return np.nan if value is None else float(value)
