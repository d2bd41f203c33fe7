"""Labelled photographs to embeddings, by the camera that serves. Keeps no picture and no crop."""

import math
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidInput
from indexer.recognition.camera import Camera, Photograph, SeenFace, Stopwatch
from indexer.types import Vectors

NO_SCORE = -1.0
"""Of a comparison with an image that has no embedding: the least that a cosine can be."""

_BATCH = 8  # on two cores larger batches were slower: their activations outgrow the caches
_LOOKERS = 2
_AHEAD = 4 * _BATCH
"""Most photographs that are looked at or wait for the network: what bounds the memory."""


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
        rows = [self._rows[file] for file in files]
        return self.vectors[rows], self.found[rows]


def embed_files(
    camera: Camera, files: Sequence[Path], progress: Callable[[int], object] | None = None
) -> Embeddings:
    """One embedding for each of `files`, of the face nearest to the middle of the picture.

    Not of the largest: a label of LFW names the person in the centre, and behind or beside them larger
    faces are found now and then. A file that cannot be read or shows no face has no embedding and
    still counts. `progress` is told how many files are done.

    While the network embeds, two threads decode and detect ahead of it.
    """
    vectors = np.zeros((len(files), camera.embedder.card.dimension), np.float32)
    found = np.zeros(len(files), np.bool_)
    watch = Stopwatch()
    with closing(_central_faces(camera, files)) as central_faces:
        for start in range(0, len(files), _BATCH):
            end = min(start + _BATCH, len(files))
            seen = {row: face for row, face in zip(range(start, end), central_faces, strict=False) if face}
            vectors[list(seen)] = camera.embed(list(seen.values()), watch)
            found[list(seen)] = True
            if progress:
                progress(end)
    return Embeddings(files=tuple(files), vectors=vectors, found=found)


def central(photograph: Photograph) -> SeenFace | None:
    """The face whose box has its centre nearest to the picture's; None where there is no face."""
    height, width = photograph.pixels.shape[:2]

    def distance_px(seen: SeenFace) -> float:
        box = seen.face.box
        return math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2)

    return min(photograph.faces, key=distance_px, default=None)


def _central_faces(camera: Camera, files: Sequence[Path]) -> Generator[SeenFace | None]:
    """In the order of `files`."""
    pool = ThreadPoolExecutor(_LOOKERS, thread_name_prefix="look")
    waiting: deque[Future[SeenFace | None]] = deque()
    try:
        for file in files:
            waiting.append(pool.submit(_central_face, camera, file))
            if len(waiting) == _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _central_face(camera: Camera, file: Path) -> SeenFace | None:
    try:
        return central(camera.look(file.read_bytes(), Stopwatch()))
    except (InvalidInput, OSError):
        return None
