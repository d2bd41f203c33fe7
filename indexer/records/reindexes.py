"""Re-index jobs: begin, cut into chunks, claim, finish. What a step does is `jobs.reindex`'s to know."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, delete, func, insert, literal, or_, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_unless
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, undefer

from indexer.errors import ReindexExists, ReindexNotFound
from indexer.records.models import (
    Embedding,
    Face,
    Gallery,
    Identity,
    Model,
    Reindex,
    ReindexChunk,
    ReindexEvent,
)

log = logging.getLogger(__name__)

LIVE = ("embedding", "building", "comparing", "ready", "active")
"""States in which a gallery's faces are embedded with both models."""
SWITCHABLE = ("ready", "active")
"""In which a gallery may go from one model to the other at any moment."""
STEPS = ("building", "comparing", "cleaning", "cancelling")
"""Which one worker does alone."""
CLOSED = ("done", "cancelled")

LEASE = timedelta(seconds=30)
"""Within which a worker has to say that it lives, or another takes its work."""
_RATE_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """With the names that its numbers stand for."""

    row: Reindex
    gallery: Gallery
    from_model: str
    """Fingerprint."""
    to_model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    total: int
    """Faces in all chunks."""
    done: int
    embedded: int
    skipped: int
    """Of `done`: the new model could not embed them, or they are not there any more."""
    rate: float | None
    """Faces a second, of the last minutes."""
    workers: int
    """That hold a lease now."""

    @property
    def seconds_left(self) -> float | None:
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """What a person sees of an enrolled face."""

    identity_id: UUID
    jpeg: bytes | None
    name: str | None
    """Or the external id where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCrop:
    """Of an enrolled face, with what another model needs of it."""

    key: int
    jpeg: bytes | None
    landmarks: Sequence[float] | None
    """x and y of the five points, in the crop's pixels."""


def models_in_use(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Numbers by fingerprint of the models that each gallery's faces are to have embeddings of."""
    rows = session.execute(
        select(Gallery.id, Model.fingerprint, Model.id)
        .outerjoin(Reindex, (Reindex.gallery_id == Gallery.id) & Reindex.state.in_(LIVE))
        .join(
            Model,
            or_(
                Model.id == Gallery.model_id,
                Model.id == Reindex.from_model_id,
                Model.id == Reindex.to_model_id,
            ),
        )
        .where(Gallery.id.in_(gallery_ids))
    )
    found: dict[UUID, dict[str, int]] = {gallery_id: {} for gallery_id in gallery_ids}
    for gallery_id, fingerprint, number in rows:
        found[gallery_id][fingerprint] = number
    return found


def standing_by(session: Session) -> Sequence[tuple[Gallery, int, str]]:
    """Galleries that may be switched at any moment, each with the number and fingerprint of both models."""
    rows = session.execute(
        select(Gallery, Model.id, Model.fingerprint)
        .join(Reindex, (Reindex.gallery_id == Gallery.id) & Reindex.state.in_(SWITCHABLE))
        .join(Model, or_(Model.id == Reindex.from_model_id, Model.id == Reindex.to_model_id))
    )
    return [(gallery, number, fingerprint) for gallery, number, fingerprint in rows]


def begin(
    session: Session, gallery: Gallery, to_model_id: int, *, gates: Sequence[str], plan: Mapping[str, Any]
) -> Reindex:
    """A job for a locked gallery that has a model. Raises ReindexExists."""
    assert gallery.model_id is not None
    job = Reindex(
        gallery_id=gallery.id,
        from_model_id=gallery.model_id,
        to_model_id=to_model_id,
        gates=list(gates),
        plan=dict(plan),
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        raise ReindexExists(
            f"gallery {gallery.name!r} is being re-indexed already", gallery=gallery.name
        ) from error
    return job


def get(session: Session, job_id: UUID) -> Job:
    """Raises ReindexNotFound."""
    found = _jobs(session, Reindex.id == job_id)
    if not found:
        raise ReindexNotFound(f"there is no re-index job {job_id}", id=str(job_id))
    return found[0]


def all_of_them(session: Session, gallery_id: UUID | None = None, *, at_most: int = 100) -> list[Job]:
    """The newest first."""
    return _jobs(
        session, *([] if gallery_id is None else [Reindex.gallery_id == gallery_id]), at_most=at_most
    )


def open_ones(session: Session, *states: str) -> list[Job]:
    """Those that nobody has paused and that have no problem, in one of `states`, the oldest first."""
    return _jobs(session, Reindex.state.in_(states), ~Reindex.paused, Reindex.problem.is_(None))[::-1]


def not_over(session: Session) -> list[Job]:
    """At most one a gallery, the oldest first."""
    return _jobs(session, Reindex.state.not_in(CLOSED))[::-1]


def lock(session: Session, job_id: UUID) -> Reindex:
    """Held until the transaction ends; after the gallery, where both are. Raises ReindexNotFound."""
    job = session.scalar(
        select(Reindex)
        .where(Reindex.id == job_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if job is None:
        raise ReindexNotFound(f"there is no re-index job {job_id}", id=str(job_id))
    return job


def comparison(session: Session, job_id: UUID) -> dict[str, Any] | None:
    job = session.scalar(select(Reindex).where(Reindex.id == job_id).options(undefer(Reindex.comparison)))
    return None if job is None else job.comparison


def note(session: Session, job_id: UUID, what: str) -> None:
    log.info("re-index %s: %s", job_id, what)
    session.add(ReindexEvent(reindex_id=job_id, text=what))


def events(session: Session, job_id: UUID) -> Sequence[ReindexEvent]:
    """The first first."""
    return session.scalars(
        select(ReindexEvent).where(ReindexEvent.reindex_id == job_id).order_by(ReindexEvent.id)
    ).all()


def last_key(session: Session, gallery_id: UUID) -> int:
    """Of the face that was enrolled last; 0 where there is none."""
    return session.scalar(_faces(gallery_id).with_only_columns(func.max(Face.key))) or 0


def missing(session: Session, gallery_id: UUID, model_id: int, *, after: int = 0) -> int:
    """How many faces with a key above `after` have neither an embedding by the model nor a reason."""
    without = _without(gallery_id, model_id, after)
    return session.scalar(select(func.count()).select_from(without.subquery())) or 0


def cut(session: Session, job: Reindex, size: int, *, after: int = 0) -> int:
    """Chunks of `size` faces out of those that still lack an embedding; how many. Wants the job locked."""
    number = session.scalar(
        select(func.coalesce(func.max(ReindexChunk.number), 0)).where(ReindexChunk.reindex_id == job.id)
    )
    place = func.row_number().over(order_by=Face.key) - 1
    without = _without(job.gallery_id, job.to_model_id, after)
    placed = without.with_only_columns(Face.key, (place // size).label("chunk")).subquery()
    chunks = (
        select(
            literal(job.id),
            placed.c.chunk + 1 + number,
            func.min(placed.c.key),
            func.max(placed.c.key),
            func.count(),
        )
        .group_by(placed.c.chunk)
        .order_by(placed.c.chunk)
    )
    made = session.execute(
        insert(ReindexChunk)
        .from_select(
            ["reindex_id", "number", "first_key", "last_key", "faces"], chunks, include_defaults=False
        )
        .returning(ReindexChunk.number)
    )
    return len(made.all())


def unfinished(session: Session, job_id: UUID) -> int:
    """Chunks."""
    counted = select(func.count()).where(ReindexChunk.reindex_id == job_id, ReindexChunk.done_at.is_(None))
    return session.scalar(counted) or 0


def claim_chunk(session: Session, worker: str, passing_over: Collection[UUID] = ()) -> ReindexChunk | None:
    """The next chunk of the oldest job, now the worker's; of no job in `passing_over`."""
    chunk, job = aliased(ReindexChunk), aliased(Reindex)
    free = (
        select(chunk.reindex_id, chunk.number)
        .join(job, job.id == chunk.reindex_id)
        .where(
            job.state.in_(LIVE),
            ~job.paused,
            job.problem.is_(None),
            job.id.not_in(passing_over),
            chunk.done_at.is_(None),
            or_(chunk.leased_until.is_(None), chunk.leased_until < func.now()),
        )
        .order_by(chunk.reindex_id, chunk.number)
        .limit(1)
        .with_for_update(of=chunk, skip_locked=True)
    )
    return session.scalar(
        update(ReindexChunk)
        .where(tuple_(ReindexChunk.reindex_id, ReindexChunk.number).in_(free))
        .values(worker=worker, leased_until=func.now() + LEASE, attempts=ReindexChunk.attempts + 1)
        .returning(ReindexChunk)
        .execution_options(synchronize_session=False)
    )


def crops_of(session: Session, job: Reindex, chunk: ReindexChunk) -> list[StoredCrop]:
    """Of its faces that still lack an embedding, in the order of their keys."""
    without = _without(job.gallery_id, job.to_model_id, chunk.first_key - 1)
    rows = session.execute(
        without.with_only_columns(Face.key, Face.crop, Face.crop_landmarks)
        .where(Face.key <= chunk.last_key)
        .order_by(Face.key)
    )
    return [StoredCrop(key=key, jpeg=jpeg, landmarks=landmarks) for key, jpeg, landmarks in rows]


def sample_crops(session: Session, gallery_id: UUID, count: int) -> list[StoredCrop]:
    rows = session.execute(
        _faces(gallery_id)
        .with_only_columns(Face.key, Face.crop, Face.crop_landmarks)
        .where(Face.crop.is_not(None))
        .limit(count)
    )
    return [StoredCrop(key=key, jpeg=jpeg, landmarks=landmarks) for key, jpeg, landmarks in rows]


def pictured(session: Session, keys: Collection[int]) -> dict[int, Pictured]:
    """Those of the faces that are still there, by key."""
    rows = session.execute(
        select(Face.key, Identity.id, Face.crop, Identity.name, Identity.external_id)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Face.key.in_(keys))
    )
    return {
        key: Pictured(identity_id=identity_id, jpeg=jpeg, name=name or external_id)
        for key, identity_id, jpeg, name, external_id in rows
    }


def without_crop(session: Session, gallery_id: UUID) -> int:
    """How many faces no other model can be tried on."""
    counted = _faces(gallery_id).with_only_columns(func.count()).where(Face.crop.is_(None))
    return session.scalar(counted) or 0


def finish_chunk(
    session: Session,
    chunk: ReindexChunk,
    worker: str,
    model_id: int,
    vectors: Mapping[int, bytes],
    problems: Mapping[int, str],
) -> bool:
    """Records embeddings by face key, and why there are none. False where the chunk is another's by now.

    Faces that are being deleted at this moment are left out; if they stay after all, the next `cut`
    finds them.
    """
    keys = sorted([*vectors, *problems])
    there = session.scalars(
        select(Face.key)
        .where(Face.key.in_(keys))
        .order_by(Face.key)
        .with_for_update(key_share=True, read=True, skip_locked=True)
    ).all()
    if there:
        session.execute(
            insert_unless(Embedding).on_conflict_do_nothing(),
            [
                {
                    "face_key": key,
                    "model_id": model_id,
                    "vector": vectors.get(key),
                    "problem": problems.get(key),
                }
                for key in there
            ],
        )
    embedded = sum(key in vectors for key in there)
    mine = session.execute(
        update(ReindexChunk)
        .where(
            ReindexChunk.reindex_id == chunk.reindex_id,
            ReindexChunk.number == chunk.number,
            ReindexChunk.worker == worker,
            ReindexChunk.done_at.is_(None),
        )
        .values(done_at=func.now(), leased_until=None, embedded=embedded, skipped=chunk.faces - embedded)
        .returning(ReindexChunk.number)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return mine is not None


def release_chunks(session: Session, worker: str) -> None:
    """All that the worker holds is anybody's again."""
    session.execute(
        update(ReindexChunk)
        .where(ReindexChunk.worker == worker, ReindexChunk.done_at.is_(None))
        .values(worker=None, leased_until=None)
    )
    session.execute(update(Reindex).where(Reindex.worker == worker).values(worker=None, leased_until=None))


def renew_leases(session: Session, worker: str) -> None:
    session.execute(
        update(ReindexChunk)
        .where(ReindexChunk.worker == worker, ReindexChunk.done_at.is_(None))
        .values(leased_until=func.now() + LEASE)
    )
    session.execute(update(Reindex).where(Reindex.worker == worker).values(leased_until=func.now() + LEASE))


def claim_step(session: Session, worker: str, passing_over: Collection[UUID] = ()) -> UUID | None:
    """A job whose next step is one for a single worker, now this one's."""
    free = (
        select(Reindex.id)
        .where(
            Reindex.state.in_(STEPS),
            ~Reindex.paused,
            Reindex.problem.is_(None),
            Reindex.id.not_in(passing_over),
            or_(Reindex.leased_until.is_(None), Reindex.leased_until < func.now()),
        )
        .order_by(Reindex.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalar(
        update(Reindex)
        .where(Reindex.id == free)
        .values(worker=worker, leased_until=func.now() + LEASE)
        .returning(Reindex.id)
        .execution_options(synchronize_session=False)
    )


def progress(session: Session, job_id: UUID) -> Progress:
    done = ReindexChunk.done_at.is_not(None)
    of_done = case((done, ReindexChunk.faces), else_=0)
    recent = ReindexChunk.done_at > func.now() - _RATE_WINDOW
    span = func.max(ReindexChunk.done_at) - func.min(ReindexChunk.done_at).filter(recent)
    row = session.execute(
        select(
            func.coalesce(func.sum(ReindexChunk.faces), 0).label("total"),
            func.coalesce(func.sum(of_done), 0).label("done"),
            func.coalesce(func.sum(ReindexChunk.embedded), 0).label("embedded"),
            func.coalesce(func.sum(ReindexChunk.skipped), 0).label("skipped"),
            func.count(func.distinct(ReindexChunk.worker))
            .filter(ReindexChunk.leased_until > func.now())
            .label("workers"),
            # The first of the recent chunks began before the window that they span.
            (func.sum(ReindexChunk.faces).filter(recent) - func.min(ReindexChunk.faces).filter(recent)).label(
                "recently"
            ),
            func.extract("epoch", span).label("seconds"),
        ).where(ReindexChunk.reindex_id == job_id)
    ).one()
    rate = float(row.recently / row.seconds) if row.recently and row.seconds else None
    return Progress(
        total=row.total,
        done=row.done,
        embedded=row.embedded,
        skipped=row.skipped,
        rate=rate,
        workers=row.workers,
    )


def problems(
    session: Session, gallery_id: UUID, model_id: int, *, at_most: int
) -> list[tuple[UUID, UUID, str]]:
    """Faces that the model could not embed: their ids, their identities', and why."""
    rows = session.execute(
        _faces(gallery_id)
        .with_only_columns(Face.id, Identity.id, Embedding.problem)
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .where(Embedding.vector.is_(None))
        .order_by(Face.key)
        .limit(at_most)
    )
    return [(face, identity, problem or "") for face, identity, problem in rows]


def count_problems(session: Session, gallery_id: UUID, model_id: int) -> int:
    counted = (
        _faces(gallery_id)
        .with_only_columns(func.count())
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .where(Embedding.vector.is_(None))
    )
    return session.scalar(counted) or 0


def delete_embeddings(session: Session, gallery_id: UUID, model_id: int, *, at_most: int) -> int:
    """Of a model that the gallery is done with; how many."""
    some = (
        _faces(gallery_id)
        .with_only_columns(Face.key)
        .join(Embedding, (Embedding.face_key == Face.key) & (Embedding.model_id == model_id))
        .limit(at_most)
    )
    gone = session.execute(
        delete(Embedding)
        .where(Embedding.model_id == model_id, Embedding.face_key.in_(some))
        .returning(Embedding.face_key)
        .execution_options(synchronize_session=False)
    )
    return len(gone.all())


def embeddings(
    session: Session, gallery_id: UUID, model_ids: Sequence[int], step: int
) -> Iterable[Sequence[tuple[int, UUID, Sequence[bytes | None]]]]:
    """Batches of faces, keys ascending: key, identity, and the vector by each of the models."""
    columns = []
    statement = _faces(gallery_id)
    for model_id in model_ids:
        made = aliased(Embedding)
        statement = statement.outerjoin(made, (made.face_key == Face.key) & (made.model_id == model_id))
        columns.append(made.vector)
    rows = session.execute(
        statement.with_only_columns(Face.key, Identity.id, *columns)
        .order_by(Face.key)
        .execution_options(yield_per=step)
    )
    for batch in rows.partitions():
        yield [(row[0], row[1], row[2:]) for row in batch]


def _faces(gallery_id: UUID) -> Any:
    return (
        select(Face).join(Identity, Identity.id == Face.identity_id).where(Identity.gallery_id == gallery_id)
    )


def _without(gallery_id: UUID, model_id: int, after: int) -> Any:
    """Faces with a key above `after` that lack an embedding by the model, and a reason."""
    there = select(text("1")).where(Embedding.face_key == Face.key, Embedding.model_id == model_id).exists()
    return _faces(gallery_id).with_only_columns(Face.key).where(Face.key > after, ~there)


def _jobs(session: Session, *conditions: Any, at_most: int | None = None) -> list[Job]:
    """The newest first."""
    before, after = aliased(Model), aliased(Model)
    rows = session.execute(
        select(Reindex, Gallery, before.fingerprint, after.fingerprint)
        .join(Gallery, Gallery.id == Reindex.gallery_id)
        .join(before, before.id == Reindex.from_model_id)
        .join(after, after.id == Reindex.to_model_id)
        .where(*conditions)
        .order_by(Reindex.id.desc())
        .limit(at_most)
        .execution_options(populate_existing=True)
    )
    return [Job(row=row, gallery=gallery, from_model=old, to_model=new) for row, gallery, old, new in rows]
