"""Embeds stored crops with another model."""

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

BATCH = 32
"""Faces that the network embeds at once. A worker that is stopping waits for one batch at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedChunk:
    """A claimed chunk with its faces, decoded and aligned."""

    chunk: ReindexChunk
    job: Job
    pipeline: Pipeline
    faces: dict[int, Image]
    """By face key."""
    problems: dict[int, str]
    """By face key: why there is no vector."""


def load_chunk(
    database: Database, decoders: Executor, chunk: ReindexChunk, job: Job, pipeline: Pipeline
) -> LoadedChunk:
    """Reads the crops of those of its faces that have no embedding yet."""
    with database.reading() as session:
        crops = reindexes.crops_of_chunk(session, job.row, chunk)
    faces, problems = _align(decoders, crops, pipeline)
    return LoadedChunk(chunk=chunk, job=job, pipeline=pipeline, faces=faces, problems=problems)


def embed_chunk(loaded: LoadedChunk) -> dict[int, bytes]:
    """Vectors by face key, as they are stored. Adds to `loaded.problems`. Raises what the network raises."""
    return _embed(loaded.pipeline, loaded.faces, loaded.problems)


def embed_crops(
    decoders: Executor, crops: Sequence[StoredCrop], pipeline: Pipeline
) -> tuple[dict[int, bytes], dict[int, str]]:
    """Vectors and problems, each by face key. Raises what the network raises."""
    faces, problems = _align(decoders, crops, pipeline)
    return _embed(pipeline, faces, problems), problems


def _align(
    decoders: Executor, crops: Sequence[StoredCrop], pipeline: Pipeline
) -> tuple[dict[int, Image], dict[int, str]]:
    faces: dict[int, Image] = {}
    problems: dict[int, str] = {}

    def align(crop: StoredCrop) -> None:
        try:
            faces[crop.key] = aligned(crop, pipeline.template)
        except InvalidInput as error:
            problems[crop.key] = error.message
        except (MemoryError, OSError):
            raise
        except Exception as error:  # of OpenCV, for example: one bad crop must not stop the job
            log.exception("cannot use the crop of face %d", crop.key)
            problems[crop.key] = f"cannot use its crop: {error}"

    list(decoders.map(align, crops))
    return faces, problems


def _embed(pipeline: Pipeline, faces: dict[int, Image], problems: dict[int, str]) -> dict[int, bytes]:
    embedded: dict[int, bytes] = {}
    keys = list(faces)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        vectors = pipeline.embedder.embed(np.stack([faces[key] for key in batch]))
        for key, vector, ok in zip(batch, vectors, usable(vectors), strict=True):
            if ok:
                embedded[key] = vector.astype(STORED_DTYPE).tobytes()
            else:
                problems[key] = "the model's vector is NaN or not of length 1"
    return embedded
