"""A job's faces in chunks. A worker claims a chunk, embeds it and finishes it."""

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import func, insert, literal, or_, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert as insert_or_keep
from sqlalchemy.orm import Session, aliased

from indexer.records.reindexes.crops import without_embedding
from indexer.records.reindexes.jobs import LIVE
from indexer.records.reindexes.leases import LEASE
from indexer.records.tables import Embedding, Face, Reindex, ReindexChunk


def create_chunks(session: Session, job: Reindex, size: int, *, after: int = 0) -> int:
    """Divides the faces without an embedding into chunks of `size`. Returns their number. Lock the job
    first."""
    number = session.scalar(
        select(func.coalesce(func.max(ReindexChunk.number), 0)).where(ReindexChunk.reindex_id == job.id)
    )
    place = func.row_number().over(order_by=Face.key) - 1
    without = without_embedding(job.gallery_id, job.to_model_id, after)
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
    created = session.execute(
        insert(ReindexChunk)
        .from_select(
            ["reindex_id", "number", "first_key", "last_key", "faces"], chunks, include_defaults=False
        )
        .returning(ReindexChunk.number)
    )
    return len(created.all())


def count_unfinished_chunks(session: Session, job_id: UUID) -> int:
    counted = select(func.count()).where(ReindexChunk.reindex_id == job_id, ReindexChunk.done_at.is_(None))
    return session.scalar(counted) or 0


def reset_attempts(session: Session, job_id: UUID) -> None:
    """Of the unfinished chunks, when an operator resumes the job."""
    session.execute(
        update(ReindexChunk)
        .where(ReindexChunk.reindex_id == job_id, ReindexChunk.done_at.is_(None))
        .values(attempts=0)
        .execution_options(synchronize_session=False)
    )


def claim_chunk(
    session: Session, worker: str, skipped_jobs: Collection[UUID] = (), only: Collection[UUID] | None = None
) -> ReindexChunk | None:
    """Leases the next chunk of the oldest job to the worker. `only`: the jobs to take it from, or None for
    all."""
    chunk, job = aliased(ReindexChunk), aliased(Reindex)
    free = (
        select(chunk.reindex_id, chunk.number)
        .join(job, job.id == chunk.reindex_id)
        .where(
            job.state.in_(LIVE),
            ~job.paused,
            job.problem.is_(None),
            job.id.not_in(skipped_jobs),
            true() if only is None else job.id.in_(only),
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


def finish_chunk(
    session: Session,
    chunk: ReindexChunk,
    worker: str,
    model_id: int,
    vectors: Mapping[int, bytes],
    problems: Mapping[int, str],
) -> bool:
    """Records embeddings and problems, each by face key, and ends the chunk.

    Returns False and records nothing if the worker no longer holds the chunk. (After a restore of the
    database, `model_id` may even be that of another model.) Faces that a transaction is deleting are left
    out; if it is rolled back, the next `create_chunks` finds them.
    """
    held = (
        ReindexChunk.reindex_id == chunk.reindex_id,
        ReindexChunk.number == chunk.number,
        ReindexChunk.worker == worker,
        ReindexChunk.done_at.is_(None),
    )
    if session.scalar(select(ReindexChunk.number).where(*held).with_for_update()) is None:
        return False
    embedded = record_embeddings(session, model_id, vectors, problems)
    session.execute(
        update(ReindexChunk)
        .where(*held)
        .values(done_at=func.now(), leased_until=None, embedded=embedded, skipped=chunk.faces - embedded)
        .execution_options(synchronize_session=False)
    )
    return True


def record_embeddings(
    session: Session, model_id: int, vectors: Mapping[int, bytes], problems: Mapping[int, str]
) -> int:
    """Records embeddings and problems, each by face key, and keeps existing ones. Returns how many
    embeddings."""
    keys = sorted([*vectors, *problems])
    existing = session.scalars(
        select(Face.key)
        .where(Face.key.in_(keys))
        .order_by(Face.key)
        .with_for_update(key_share=True, read=True, skip_locked=True)
    ).all()
    if existing:
        session.execute(
            insert_or_keep(Embedding).on_conflict_do_nothing(),
            [
                {
                    "face_key": key,
                    "model_id": model_id,
                    "vector": vectors.get(key),
                    "problem": problems.get(key),
                }
                for key in existing
            ],
        )
    return sum(key in vectors for key in existing)
