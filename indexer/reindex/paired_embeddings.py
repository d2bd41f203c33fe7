"""What two models have made of a gallery's faces, as arrays to be searched."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.records import galleries, models, reindexes
from indexer.records.database.session import Database
from indexer.records.faces import STORED_DTYPE
from indexer.records.reindexes import Job
from indexer.types import Keys, Vectors

_STEP = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelEmbeddings:
    """Of one model."""

    vectors: Vectors
    """(n, dimension); zeros where there is none."""
    present: NDArray[np.bool_]
    """(n,): whether the model could embed the face."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faces:
    keys: Keys
    """(n,), ascending."""
    people: NDArray[np.int64]
    """(n,): whose each is, as a number from 0."""
    sides: tuple[ModelEmbeddings, ModelEmbeddings]
    """Of the old and the new model."""
    skipped: int
    """That the new model could not embed."""


def read(database: Database, job: Job) -> Faces:
    """As of one moment. Memory: these arrays, which are filled as the rows come."""
    numbers = (job.row.from_model_id, job.row.to_model_id)
    with database.repeatable_read() as session:
        gallery = galleries.by_ids(session, [job.gallery.id]).get(job.gallery.id)
        count = 0 if gallery is None else gallery.face_count
        skipped = reindexes.count_problems(session, job.gallery.id, job.row.to_model_id)
        keys, people = np.empty(count, np.int64), np.empty(count, np.int64)
        old, new = (_empty(count, models.get(session, number).dimension) for number in numbers)
        known: dict[UUID, int] = {}
        start = 0
        for batch in reindexes.embeddings(session, job.gallery.id, numbers, _STEP):
            rows = slice(start, start + len(batch))
            keys[rows] = [key for key, _, _ in batch]
            people[rows] = [known.setdefault(identity, len(known)) for _, identity, _ in batch]
            for place, side in enumerate((old, new)):
                _fill(side, rows, [made[place] for _, _, made in batch])
            start = rows.stop
    return Faces(keys=keys, people=people, sides=(old, new), skipped=skipped)


def _empty(count: int, dimension: int) -> ModelEmbeddings:
    return ModelEmbeddings(
        vectors=np.zeros((count, dimension), np.float32), present=np.zeros(count, np.bool_)
    )


def _fill(side: ModelEmbeddings, rows: slice, made: Sequence[bytes | None]) -> None:
    there = np.array([vector is not None for vector in made], np.bool_)
    joined = np.frombuffer(b"".join(vector for vector in made if vector is not None), STORED_DTYPE)
    side.present[rows] = there
    side.vectors[rows][there] = joined.reshape(-1, side.vectors.shape[1])
