"""Which parts of two faces made their score: occlusion maps (Zeiler and Fergus 2014, section 4.2).

A window of `WINDOW` x `WINDOW` cells moves over one face in steps of a cell and covers what is beneath; the
other face stays whole. A cell's drop is the mean fall of the score under the windows that cover it.
docs/explanation/attributes.md says how the maps were checked.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.embedding.embedder import stacked
from indexer.pipeline.pipeline import AlignedFace, Pipeline, usable
from indexer.request_timings import Stage, Stopwatch
from indexer.types import Vectors
from indexer.vision.occlusion import GRID, covered, drawn

WINDOW = 2
FACES = 2 * (GRID - WINDOW + 1) ** 2
"""How many covered faces are embedded for one pair."""
_PORTION = 16
"""Faces embedded at once: others' faces come in between."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OcclusionMap:
    """Of one face of a pair."""

    drops: NDArray[np.float64]
    """Shape (GRID, GRID), rows from top to bottom: how far the score falls where the cell is covered.
    Negative where it rises."""
    jpeg: bytes
    """The face beneath its map."""


def explain_pair(
    pipeline: Pipeline, faces: list[AlignedFace], vectors: Vectors, watch: Stopwatch
) -> list[OcclusionMap]:
    """One map for each of the two faces, whose embeddings are `vectors` (2, dimension). Both are drawn with
    the same colours. Raises Busy, EmbeddingUnusable."""
    with watch.stage(Stage.EXPLAIN):
        score = float(vectors[0] @ vectors[1])
        drops = [
            occlusion_drops(pipeline, face, other, score)
            for face, other in ((faces[0], vectors[1]), (faces[1], vectors[0]))
        ]
        largest = max(float(each.max()) for each in drops)
        template = pipeline.templates[0]
        return [
            OcclusionMap(drops=each, jpeg=drawn(face.pictures[0], template, each, largest))
            for face, each in zip(faces, drops, strict=True)
        ]


def occlusion_drops(
    pipeline: Pipeline, face: AlignedFace, other: NDArray[np.float32], score: float
) -> NDArray[np.float64]:
    """Shape (GRID, GRID). `other`: the embedding of the other face, shape (dimension,)."""
    windows = _windows()
    scores = cover_and_score(pipeline, face, other, windows)
    falls = score - scores
    total = np.tensordot(falls, windows.astype(np.float64), axes=1)
    return np.asarray(total / windows.sum(axis=0), np.float64)


def cover_and_score(
    pipeline: Pipeline, face: AlignedFace, other: NDArray[np.float32], covers: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The score of the face under each of the `covers` (n, GRID, GRID), shape (n,)."""
    scores = []
    for start in range(0, len(covers), _PORTION):
        pictures = [
            tuple(
                covered(picture, template, cells)
                for picture, template in zip(face.pictures, pipeline.templates, strict=True)
            )
            for cells in covers[start : start + _PORTION]
        ]
        with pipeline.load.task():
            vectors = pipeline.embedder.embed(*stacked(pictures))
        scores.append(np.where(usable(vectors), vectors @ other, 0.0))
    return np.concatenate(scores).astype(np.float64)


def _windows() -> NDArray[np.bool_]:
    """Shape (n, GRID, GRID)."""
    places = range(GRID - WINDOW + 1)
    windows = np.zeros((len(places) ** 2, GRID, GRID), np.bool_)
    for number, (row, column) in enumerate((row, column) for row in places for column in places):
        windows[number, row : row + WINDOW, column : column + WINDOW] = True
    return windows
