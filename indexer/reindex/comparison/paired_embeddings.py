"""A gallery's embeddings by both models of a job, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.records import galleries, models, reindexes
from indexer.records.database.session import Database
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.reindexes import Job
from indexer.types import Keys, Vectors

_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelEmbeddings:
    vectors: Vectors
    """Shape (n, dimension); zeros where there is no embedding."""
    present: NDArray[np.bool_]
    """Shape (n,): whether there is an embedding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedEmbeddings:
    keys: Keys
    """Shape (n,): face keys, ascending."""
    people: NDArray[np.int64]
    """Shape (n,): the identity of each face, as a number from 0."""
    sides: tuple[ModelEmbeddings, ModelEmbeddings]
    """By the old and the new model."""
    skipped: int
    """Faces that the new model could not embed."""


def read(database: Database, job: Job) -> PairedEmbeddings:
    """In one snapshot of the database. Memory: these arrays, which are filled as the rows arrive."""
    model_ids = (job.row.from_model_id, job.row.to_model_id)
    with database.repeatable_read() as session:
        gallery = galleries.by_ids(session, [job.gallery.id]).get(job.gallery.id)
        count = 0 if gallery is None else gallery.face_count
        skipped = reindexes.count_problems(session, job.gallery.id, job.row.to_model_id)
        keys, people = np.empty(count, np.int64), np.empty(count, np.int64)
        old, new = (_empty(count, models.get(session, model_id).dimension) for model_id in model_ids)
        numbers: dict[UUID, int] = {}
        start = 0
        for batch in reindexes.embeddings(session, job.gallery.id, model_ids, _BATCH):
            rows = slice(start, start + len(batch))
            keys[rows] = [key for key, _, _ in batch]
            people[rows] = [numbers.setdefault(identity, len(numbers)) for _, identity, _ in batch]
            for place, side in enumerate((old, new)):
                _fill(side, rows, [vectors[place] for _, _, vectors in batch])
            start = rows.stop
    return PairedEmbeddings(keys=keys, people=people, sides=(old, new), skipped=skipped)


def _empty(count: int, dimension: int) -> ModelEmbeddings:
    return ModelEmbeddings(
        vectors=np.zeros((count, dimension), np.float32), present=np.zeros(count, np.bool_)
    )


def _fill(side: ModelEmbeddings, rows: slice, vectors: Sequence[bytes | None]) -> None:
    present = np.array([vector is not None for vector in vectors], np.bool_)
    joined = np.frombuffer(b"".join(vector for vector in vectors if vector is not None), STORED_DTYPE)
    side.present[rows] = present
    side.vectors[rows][present] = joined.reshape(-1, side.vectors.shape[1])
