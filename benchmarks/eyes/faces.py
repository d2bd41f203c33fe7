"""The labelled faces, measured."""

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.head import FaceView
from indexer.attributes.heads.eyes.contours import EyeContours
from indexer.attributes.heads.eyes.head import measures, unsuitable
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from indexer.weights.locate import read_verified
from indexer.weights.published import IRIS
from indexer.weights.store import WeightStore

NARROW = "narrow"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasuredFace:
    person: str
    label: str
    measures: NDArray[np.float64]
    """Shape (2,): opening and lid, the mean of both eyes."""


@dataclass(frozen=True, slots=True)
class Measurer:
    pipeline: Pipeline
    contours: EyeContours

    def faces(self, folder: Path, labelled: Iterable[tuple[str, str]]) -> Iterator[MeasuredFace]:
        """Of each file, PERSON/NAME.jpg, with its label; those for which the head would decide."""
        for file, label in labelled:
            photograph = self.pipeline.detect((folder / file).read_bytes(), Stopwatch(), max_faces=1)
            views = [FaceView.of(photograph, face) for face in photograph.faces]
            for eyes in self.contours.find([view for view in views if unsuitable(view) is None]):
                mean = np.mean([measures(eye) for eye in eyes], axis=0)
                yield MeasuredFace(person=file.partition("/")[0], label=label, measures=mean)


@contextmanager
def measurer() -> Iterator[Measurer]:
    settings = Settings()
    with open_pipeline(settings) as pipeline:
        yield Measurer(pipeline, EyeContours(read_verified(IRIS, WeightStore.of(settings)), threads=1))


def lfw_labels() -> list[tuple[str, str]]:
    """File and `open`, `closed` or `narrow`."""
    return [*_read("lfw.csv"), *((file, NARROW) for file, _ in _read("lfw_narrow.csv"))]


def _read(name: str) -> list[tuple[str, str]]:
    with Path(__file__).with_name(name).open(newline="") as file:
        return [(row["file"], row["label"]) for row in csv.DictReader(file)]
