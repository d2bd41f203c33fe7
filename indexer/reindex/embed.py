"""Embeds stored crops with another model, in as many threads as there are cores.

A thread decodes, aligns and embeds one batch after another, on its core alone. So no core waits, neither for
the decoding of the next faces nor for the slowest thread of a batch.
"""

import logging
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TypeAlias

from indexer.embedding.embedder import stacked
from indexer.errors import InvalidInput
from indexer.pipeline.crops import aligned
from indexer.pipeline.pipeline import Pipeline, usable
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.reindexes import Job, StoredCrop
from indexer.records.tables import ReindexChunk
from indexer.replica.threads.interruptible import InterruptiblePool
from indexer.types import Image

log = logging.getLogger(__name__)

BATCH = 8
"""Faces that one thread embeds at once; on a processor more are no faster. A worker that is stopping waits
for one batch in each thread at most."""


Threads: TypeAlias = Executor | InterruptiblePool
"""What runs the batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """Each by face key."""

    vectors: dict[int, bytes] = field(default_factory=dict)
    """As they are stored."""
    problems: dict[int, str] = field(default_factory=dict)
    """Why there is no vector."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedChunk:
    """A claimed chunk whose faces are being embedded."""

    chunk: ReindexChunk
    job: Job
    batches: "list[Future[Embedded]]"


def load_chunk(
    database: Database,
    threads: Threads,
    chunk: ReindexChunk,
    job: Job,
    pipeline: Pipeline,
) -> LoadedChunk:
    """Reads the crops of those of its faces that have no embedding yet, and queues them for `threads`."""
    with database.reading() as session:
        crops = reindexes.crops_of_chunk(session, job.row, chunk)
    return LoadedChunk(chunk=chunk, job=job, batches=_submit(threads, crops, pipeline))


def embed_chunk(loaded: LoadedChunk) -> Embedded:
    """Waits until all its faces are embedded. Raises what the network raises."""
    return _gather(loaded.batches)


def embed_crops(threads: Threads, crops: Sequence[StoredCrop], pipeline: Pipeline) -> Embedded:
    """Raises what the network raises."""
    return _gather(_submit(threads, crops, pipeline))


def _submit(threads: Threads, crops: Sequence[StoredCrop], pipeline: Pipeline) -> "list[Future[Embedded]]":
    return [
        threads.submit(_embed, crops[start : start + BATCH], pipeline)
        for start in range(0, len(crops), BATCH)
    ]


def _gather(batches: "Sequence[Future[Embedded]]") -> Embedded:
    every = Embedded()
    for batch in batches:
        embedded = batch.result()
        every.vectors.update(embedded.vectors)
        every.problems.update(embedded.problems)
    return every


def _embed(crops: Sequence[StoredCrop], pipeline: Pipeline) -> Embedded:
    embedded = Embedded()
    with pipeline.load.task():
        faces = _align(crops, pipeline, embedded.problems)
        if not faces:
            return embedded
        vectors = pipeline.embedder.embed(*stacked(list(faces.values())))
    for key, vector, ok in zip(faces, vectors, usable(vectors), strict=True):
        if ok:
            embedded.vectors[key] = vector.astype(STORED_DTYPE).tobytes()
        else:
            embedded.problems[key] = "the model's vector is NaN or not of length 1"
    return embedded


def _align(
    crops: Sequence[StoredCrop], pipeline: Pipeline, problems: dict[int, str]
) -> dict[int, tuple[Image, ...]]:
    """By face key. Adds to `problems`."""
    faces: dict[int, tuple[Image, ...]] = {}
    for crop in crops:
        try:
            faces[crop.key] = aligned(crop, pipeline.templates, pipeline.refiner)
        except InvalidInput as error:
            problems[crop.key] = error.message
        except (MemoryError, OSError):
            raise
        except Exception as error:  # of OpenCV, for example: one bad crop must not stop the job
            log.exception("cannot use the crop of face %d", crop.key)
            problems[crop.key] = f"cannot use its crop: {error}"
    return faces
