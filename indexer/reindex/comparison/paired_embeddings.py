"""A gallery's embeddings by both models of a job, as arrays: of the whole, or of a part."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.leave_one_out.searches import Enrolled
from indexer.records import galleries, models, reindexes
from indexer.records.database.session import Database, Session
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.enrolled.parts import contents
from indexer.records.reindexes import Job
from indexer.types import Keys, Owners, Part, Vectors

_BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairedEmbeddings:
    """The same faces by the old model and by the new one."""

    old: Enrolled
    new: Enrolled
    """With the same keys and people as `old`."""

    @property
    def keys(self) -> Keys:
        return self.old.keys

    @property
    def people(self) -> NDArray[np.int64]:
        return self.old.people

    def rows(self, chosen: NDArray[np.int64]) -> "PairedEmbeddings":
        """The faces at these places."""
        return PairedEmbeddings(old=self.old.rows(chosen), new=self.new.rows(chosen))


def read(database: Database, job: Job) -> PairedEmbeddings:
    """The whole gallery, in one snapshot of the database. Memory: these arrays, which are filled as the rows
    arrive. People are numbered from 0."""
    model_ids = (job.row.from_model_id, job.row.to_model_id)
    with database.repeatable_read() as session:
        gallery = galleries.by_ids(session, [job.gallery.id]).get(job.gallery.id)
        count = 0 if gallery is None else gallery.face_count
        keys, people = np.empty(count, np.int64), np.empty(count, np.int64)
        vectors = [_zeros(session, count, model_id) for model_id in model_ids]
        present = [np.zeros(count, np.bool_) for _ in model_ids]
        numbers: dict[UUID, int] = {}
        start = 0
        for batch in reindexes.embeddings(session, job.gallery.id, model_ids, _BATCH):
            rows = slice(start, start + len(batch))
            keys[rows] = [key for key, _, _ in batch]
            people[rows] = [numbers.setdefault(identity, len(numbers)) for _, identity, _ in batch]
            for place in range(len(model_ids)):
                stored = [of_face[place] for _, _, of_face in batch]
                _fill(vectors[place], present[place], rows, stored)
            start = rows.stop
    return _paired(keys, people, vectors, present)


def read_part(database: Database, job: Job, part: Part) -> PairedEmbeddings:
    """All faces of the people of the part, in one snapshot of the database. The numbers of people are those
    of their identities. Memory: these arrays, and 32 bytes for each row of the part."""
    with database.repeatable_read() as session:
        return _read_keys(session, job, *_faces(session, job, part))


def draw(database: Database, job: Job, part: Part, share: float) -> PairedEmbeddings:
    """A random sample of the faces of a part; for the same faces, always the same sample. `share`: the share
    of the faces that are drawn, from 0 to 1."""
    with database.repeatable_read() as session:
        keys, people = _faces(session, job, part)
        count = min(len(keys), math.ceil(share * len(keys)))
        chosen = np.sort(np.random.default_rng(part.shard).choice(len(keys), count, replace=False))
        return _read_keys(session, job, keys[chosen], people[chosen])


def _faces(session: Session, job: Job, part: Part) -> tuple[Keys, Owners]:
    """The faces of the part and the numbers of their people, without the rows of person templates."""
    keys, owners = contents.keys_of(session, job.gallery.id, part)
    is_face = owners > 0
    return keys[is_face], owners[is_face]


def _read_keys(session: Session, job: Job, keys: Keys, people: NDArray[np.int64]) -> PairedEmbeddings:
    vectors, present = [], []
    for model_id, model in (
        (job.row.from_model_id, job.from_model),
        (job.row.to_model_id, job.to_model),
    ):
        vectors.append(_zeros(session, len(keys), model_id))
        present.append(np.zeros(len(keys), np.bool_))
        for start in range(0, len(keys), _BATCH):
            rows = slice(start, min(start + _BATCH, len(keys)))
            _fill(vectors[-1], present[-1], rows, contents.vectors_of(session, keys[rows], model))
    return _paired(keys, people, vectors, present)


def _paired(
    keys: Keys,
    people: NDArray[np.int64],
    vectors: Sequence[Vectors],
    present: Sequence[NDArray[np.bool_]],
) -> PairedEmbeddings:
    old, new = (
        Enrolled(keys=keys, people=people, vectors=by_model, present=has)
        for by_model, has in zip(vectors, present, strict=True)
    )
    return PairedEmbeddings(old=old, new=new)


def _zeros(session: Session, count: int, model_id: int) -> Vectors:
    return np.zeros((count, models.get(session, model_id).dimension), np.float32)


def _fill(vectors: Vectors, present: NDArray[np.bool_], rows: slice, stored: Sequence[bytes | None]) -> None:
    has = np.array([vector is not None for vector in stored], np.bool_)
    joined = np.frombuffer(b"".join(vector for vector in stored if vector is not None), STORED_DTYPE)
    present[rows] = has
    vectors[rows][has] = joined.reshape(-1, vectors.shape[1])
