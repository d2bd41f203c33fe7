"""A chunk's faces, from stored crops to another model's vectors."""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from indexer.errors import InvalidInput
from indexer.pipeline.crops import aligned
from indexer.pipeline.pipeline import Pipeline, usable
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.faces import STORED_DTYPE
from indexer.records.reindexes import Job, StoredCrop
from indexer.records.tables import ReindexChunk
from indexer.types import Image

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Faces that go to the network at once: a worker that is to stop waits for no more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """A chunk that a worker has in hand."""

    chunk: ReindexChunk
    job: Job
    pipeline: Pipeline
    faces: dict[int, Image]
    """Aligned, by key."""
    problems: dict[int, str]
    """By key: why there is no vector."""


def take(database: Database, decoders: Executor, chunk: ReindexChunk, job: Job, pipeline: Pipeline) -> Work:
    """With what is stored of its faces, decoded and aligned."""
    with database.reading() as session:
        crops = reindexes.crops_of_chunk(session, job.row, chunk)
    faces, problems = _aligned(decoders, crops, pipeline)
    return Work(chunk=chunk, job=job, pipeline=pipeline, faces=faces, problems=problems)


def vectors(taken: Work) -> dict[int, bytes]:
    """By key, as they are stored; what is not a vector becomes a problem. Raises what the network does."""
    return _vectors(taken.pipeline, taken.faces, taken.problems)


def embed(
    decoders: Executor, crops: Sequence[StoredCrop], pipeline: Pipeline
) -> tuple[dict[int, bytes], dict[int, str]]:
    """Vectors by key, and why there is none. Raises what the network does."""
    faces, problems = _aligned(decoders, crops, pipeline)
    return _vectors(pipeline, faces, problems), problems


def _aligned(
    decoders: Executor, crops: Sequence[StoredCrop], pipeline: Pipeline
) -> tuple[dict[int, Image], dict[int, str]]:
    """Faces by key, and why there is none."""
    faces: dict[int, Image] = {}
    problems: dict[int, str] = {}

    def read(crop: StoredCrop) -> None:
        try:
            faces[crop.key] = aligned(crop, pipeline.template)
        except InvalidInput as error:
            problems[crop.key] = error.message
        except (MemoryError, OSError):
            raise
        except Exception as error:  # of OpenCV, say: one crop must not stop all the others
            log.exception("the crop of face %d cannot be used", crop.key)
            problems[crop.key] = f"its crop cannot be used: {error}"

    list(decoders.map(read, crops))
    return faces, problems


def _vectors(pipeline: Pipeline, faces: dict[int, Image], problems: dict[int, str]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    keys = list(faces)
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        made = pipeline.embedder.embed(np.stack([faces[key] for key in some]))
        for key, vector, fine in zip(some, made, usable(made), strict=True):
            if fine:
                found[key] = vector.astype(STORED_DTYPE).tobytes()
            else:
                problems[key] = "the model gives what is not a number"
    return found
