"""A chunk's faces, from stored crops to another model's vectors."""

from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from indexer.errors import InvalidInput
from indexer.recognition.camera import Camera, usable
from indexer.recognition.reindex.crops import aligned
from indexer.records import reindexes
from indexer.records.faces import STORED_DTYPE
from indexer.records.models import ReindexChunk
from indexer.records.reindexes import Job
from indexer.records.session import Database
from indexer.types import Image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Taken:
    """A chunk that a worker has in hand."""

    chunk: ReindexChunk
    job: Job
    camera: Camera
    faces: dict[int, Image]
    """Aligned, by key."""
    problems: dict[int, str]
    """By key: why there is no vector."""


def take(database: Database, decoders: Executor, chunk: ReindexChunk, job: Job, camera: Camera) -> Taken:
    """With what is stored of its faces, decoded and aligned."""
    with database.reading() as session:
        crops = reindexes.crops_of(session, job.row, chunk)
    faces: dict[int, Image] = {}
    problems: dict[int, str] = {}

    def read(crop: reindexes.StoredCrop) -> None:
        try:
            faces[crop.key] = aligned(crop, camera.template)
        except InvalidInput as error:
            problems[crop.key] = error.message

    list(decoders.map(read, crops))
    return Taken(chunk=chunk, job=job, camera=camera, faces=faces, problems=problems)


def vectors(taken: Taken) -> dict[int, bytes]:
    """By key, as they are stored; what is not a vector becomes a problem. Raises what the network does."""
    if not taken.faces:
        return {}
    keys = list(taken.faces)
    made = taken.camera.embedder.embed(np.stack([taken.faces[key] for key in keys]))
    found: dict[int, bytes] = {}
    for key, vector, fine in zip(keys, made, usable(made), strict=True):
        if fine:
            found[key] = vector.astype(STORED_DTYPE).tobytes()
        else:
            taken.problems[key] = "the model gives what is not a number"
    return found
