"""Leases of jobs and chunks: a worker keeps what it claimed for as long as it renews the lease."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, true, update
from sqlalchemy.orm import Session

from indexer.records.reindexes.jobs import STEPS
from indexer.records.tables import Reindex, ReindexChunk

LEASE = timedelta(seconds=30)
"""A worker renews its leases more often than this; after it, another worker may claim the work."""


def claim_step(
    session: Session, worker: str, skipped_jobs: Collection[UUID] = (), only: Collection[UUID] | None = None
) -> UUID | None:
    """Leases to the worker a job whose next step one worker does alone. `only`: as for `claim_chunk`."""
    free = (
        select(Reindex.id)
        .where(
            Reindex.state.in_(STEPS),
            ~Reindex.paused,
            Reindex.problem.is_(None),
            Reindex.id.not_in(skipped_jobs),
            true() if only is None else Reindex.id.in_(only),
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


def postpone_step(session: Session, job_id: UUID, worker: str, delay: timedelta) -> None:
    """Ends the worker's lease of a job's step. After the delay any worker may claim the step; until then
    workers claim steps of other jobs. Does nothing if the worker has lost the lease."""
    session.execute(
        update(Reindex)
        .where(Reindex.id == job_id, Reindex.worker == worker)
        .values(worker=None, leased_until=func.now() + delay)
    )


def renew_leases(session: Session, worker: str) -> None:
    session.execute(
        update(ReindexChunk)
        .where(ReindexChunk.worker == worker, ReindexChunk.done_at.is_(None))
        .values(leased_until=func.now() + LEASE)
    )
    session.execute(update(Reindex).where(Reindex.worker == worker).values(leased_until=func.now() + LEASE))


def release_leases(session: Session, worker: str, *, as_if_untried: bool = False) -> None:
    """Releases everything that the worker holds.

    `as_if_untried`: the worker is stopping, which does not count as an attempt at its chunks.
    """
    attempts = func.greatest(ReindexChunk.attempts - 1, 0) if as_if_untried else ReindexChunk.attempts
    session.execute(
        update(ReindexChunk)
        .where(ReindexChunk.worker == worker, ReindexChunk.done_at.is_(None))
        .values(worker=None, leased_until=None, attempts=attempts)
    )
    session.execute(update(Reindex).where(Reindex.worker == worker).values(worker=None, leased_until=None))
