"""Which worker works on which job, how far it is, and its end."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from indexer.errors import LeaseLost
from indexer.records.tables import GalleryJob

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 3
"""A job whose worker was killed so often has failed: it may be what kills workers."""


def claim(session: Session, worker: str) -> GalleryJob | None:
    """Leases to the worker the oldest job that nobody works on. One that was claimed too often has failed:
    it is returned ended."""
    job = session.scalar(
        select(GalleryJob)
        .where(
            GalleryJob.ended_at.is_(None),
            or_(GalleryJob.leased_until.is_(None), GalleryJob.leased_until < func.now()),
        )
        .order_by(GalleryJob.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if job is None:
        return None
    if job.attempts >= MAX_ATTEMPTS:
        end(
            session,
            job,
            "failed",
            f"the process that worked on it ended {MAX_ATTEMPTS} times; its log says why",
        )
        return job
    lease(session, job.id, worker)
    session.refresh(job)
    return job


def lease(session: Session, job_id: UUID, worker: str) -> None:
    session.execute(
        update(GalleryJob)
        .where(GalleryJob.id == job_id)
        .values(
            state="running",
            worker=worker,
            leased_until=func.clock_timestamp() + LEASE,
            attempts=GalleryJob.attempts + 1,
            started_at=func.coalesce(GalleryJob.started_at, func.clock_timestamp()),
        )
        .execution_options(synchronize_session=False)
    )


def extend(session: Session, worker: str) -> None:
    session.execute(
        update(GalleryJob)
        .where(GalleryJob.worker == worker, GalleryJob.ended_at.is_(None))
        .values(leased_until=func.clock_timestamp() + LEASE)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, worker: str, *, tried: bool = False) -> None:
    """Gives back what the worker holds. `tried`: it counts as an attempt."""
    session.execute(
        update(GalleryJob)
        .where(GalleryJob.worker == worker, GalleryJob.ended_at.is_(None))
        .values(
            worker=None,
            leased_until=None,
            state="waiting",
            attempts=GalleryJob.attempts - (0 if tried else 1),
        )
        .execution_options(synchronize_session=False)
    )


def progress(
    session: Session,
    job_id: UUID,
    worker: str,
    *,
    step: str | None = None,
    figures: Mapping[str, Any] | None = None,
    threshold: float | None = None,
) -> None:
    """Written in the transaction of the work that it describes. Raises LeaseLost if the job was cancelled or
    deleted, or another worker has it: then nothing of that work is written."""
    values: dict[Any, Any] = {GalleryJob.leased_until: func.clock_timestamp() + LEASE}
    if step is not None:
        values[GalleryJob.step] = step
    if figures is not None:
        values[GalleryJob.figures] = dict(figures)
    if threshold is not None:
        values[GalleryJob.used_threshold] = threshold
    written = session.scalar(
        update(GalleryJob)
        .where(GalleryJob.id == job_id, GalleryJob.worker == worker, GalleryJob.ended_at.is_(None))
        .values(values)
        .returning(GalleryJob.id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise LeaseLost(f"job {job_id} was cancelled, or another process works on it")


def end(session: Session, job: GalleryJob, state: str, problem: str | None) -> None:
    """`job` is locked."""
    now = session.scalars(select(func.clock_timestamp())).one()
    job.state, job.problem, job.ended_at = state, problem and problem[:1000], now
    job.worker, job.leased_until, job.step = None, None, None
    session.flush()
