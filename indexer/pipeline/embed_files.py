"""Labelled photographs to embeddings, by the pipeline that serves. It keeps no picture and no crop."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidInput
from indexer.pipeline.pipeline import AlignedFace, Pipeline
from indexer.request_timings import Stopwatch
from indexer.types import Face, Image, Vectors
from indexer.vision.detection.detect import central

NO_SCORE = -1.0
"""The score of a comparison with an image that has no embedding: the least that a cosine can be."""

Change: TypeAlias = Callable[[Path, Image], Image]
"""Changes a file's pixels before a face is detected in them. Called from several threads."""

_BATCH = 8  # on two cores larger batches were slower: their activations outgrow the caches
_DETECTION_THREADS = 2
_AHEAD = 4 * _BATCH
"""Most photographs in detection or waiting for the network: this bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embeddings:
    """One row for each file, whether or not a face was found in it."""

    files: tuple[Path, ...]
    vectors: Vectors
    """Shape (n, dimension); rows without an embedding are zero."""
    found: NDArray[np.bool_]
    """Shape (n,): whether the row has an embedding."""
    _rows: dict[Path, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {file: row for row, file in enumerate(self.files)})

    @property
    def undetected(self) -> int:
        """How many files have no embedding."""
        return int((~self.found).sum())

    def of(self, files: Sequence[Path]) -> tuple[Vectors, NDArray[np.bool_]]:
        """`vectors` and `found` of `files`, in their order; a file may come more than once."""
        rows = self.rows(files)
        return self.vectors[rows], self.found[rows]

    def rows(self, files: Sequence[Path]) -> NDArray[np.int64]:
        """The rows of `files`, shape (len(files),)."""
        return np.array([self._rows[file] for file in files], np.int64)


def embed_files(
    pipeline: Pipeline, files: Sequence[Path], progress: Callable[[int], object] | None = None
) -> Embeddings:
    """As `embed_with`, for one model."""
    return embed_with([pipeline], files, progress)[0]


def embed_with(
    pipelines: Sequence[Pipeline],
    files: Sequence[Path],
    progress: Callable[[int], object] | None = None,
    *,
    change: Change | None = None,
) -> list[Embeddings]:
    """For each pipeline one embedding for each of `files`, of the face nearest to the middle of the picture.

    Not of the largest face: a label of LFW names the person in the centre, and behind or beside that person a
    larger face is found now and then. A file that cannot be read or shows no face has no embedding, and still
    counts. `progress` is called with the number of files that are done. The pipelines share a detector: each
    file is decoded once, changed by `change`, and searched for faces once.

    While the networks embed, two threads decode and detect ahead of them.
    """
    vectors = [np.zeros((len(files), pipeline.card.dimension), np.float32) for pipeline in pipelines]
    found = np.zeros(len(files), np.bool_)
    watch = Stopwatch()
    with closing(_central_faces(pipelines, files, change)) as central_faces:
        for start in range(0, len(files), _BATCH):
            end = min(start + _BATCH, len(files))
            block = zip(range(start, end), central_faces, strict=False)
            by_row = {row: faces for row, faces in block if faces}
            for pipeline, rows, faces in zip(
                pipelines, vectors, zip(*by_row.values(), strict=True), strict=False
            ):
                rows[list(by_row)] = pipeline.embed(faces, watch)
            found[list(by_row)] = True
            if progress:
                progress(end)
    return [Embeddings(files=tuple(files), vectors=rows, found=found) for rows in vectors]


def central_face(pipeline: Pipeline, pixels: Image) -> Face | None:
    """The face whose name the photograph has; None where no face is found."""
    return central(pipeline.detector.detect(pixels), pixels)


def _central_faces(
    pipelines: Sequence[Pipeline], files: Sequence[Path], change: Change | None
) -> Generator[list[AlignedFace] | None]:
    """In the order of `files`: the face, aligned for each pipeline."""
    pool = ThreadPoolExecutor(_DETECTION_THREADS, thread_name_prefix="detect")
    waiting: deque[Future[list[AlignedFace] | None]] = deque()
    try:
        for file in files:
            waiting.append(pool.submit(_central_face, pipelines, file, change))
            if len(waiting) == _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _central_face(
    pipelines: Sequence[Pipeline], file: Path, change: Change | None
) -> list[AlignedFace] | None:
    first = pipelines[0]
    try:
        with first.detection_limit.slot():
            pixels = first.decoder.decode(file.read_bytes()).pixels
            if change:
                pixels = change(file, pixels)
            face = central_face(first, pixels)
            if face is None:
                return None
            aligned = first.align(pixels, face)
            return [aligned, *(other.align(pixels, aligned.face) for other in pipelines[1:])]
    except (InvalidInput, OSError):
        return None
