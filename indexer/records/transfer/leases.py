"""Who works on a transfer: one process at a time, which extends its lease."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session, undefer

from indexer.errors import LeaseLost
from indexer.records.tables import Transfer
from indexer.records.transfer import jobs

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 3
"""A transfer whose worker was killed so often has failed: it may be what kills workers."""
_OPEN = ("waiting", "running")


def claim(session: Session, worker: str) -> Transfer | None:
    """Leases to the worker the oldest complete transfer that nobody works on, with its manifest. One that was
    claimed too often has failed."""
    job = session.scalar(
        select(Transfer)
        .where(
            Transfer.state.in_(_OPEN),
            or_(Transfer.leased_until.is_(None), Transfer.leased_until < func.now()),
        )
        .order_by(Transfer.id)
        .limit(1)
        .options(undefer(Transfer.manifest))
        .with_for_update(skip_locked=True)
    )
    if job is None:
        return None
    if job.attempts >= MAX_ATTEMPTS:
        problem = f"the process that worked on it ended {MAX_ATTEMPTS} times; its log says why"
        jobs.end(session, [Transfer.id == job.id], {"state": "failed", "problem": problem})
        return None
    job.state, job.worker = "running", worker
    job.leased_until = session.scalars(select(func.clock_timestamp() + LEASE)).one()
    job.attempts += 1
    session.flush()
    return job


def extend(session: Session, worker: str) -> None:
    session.execute(
        update(Transfer)
        .where(Transfer.worker == worker, Transfer.ended_at.is_(None))
        .values(leased_until=func.clock_timestamp() + LEASE)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, worker: str, *, tried: bool = False) -> None:
    """Gives back what the worker holds. `tried`: it counts as an attempt."""
    session.execute(
        update(Transfer)
        .where(Transfer.worker == worker, Transfer.ended_at.is_(None))
        .values(
            worker=None,
            leased_until=None,
            state="waiting",
            attempts=Transfer.attempts - (0 if tried else 1),
        )
        .execution_options(synchronize_session=False)
    )


def progress(
    session: Session, job_id: UUID, worker: str, *, step: str, figures: Mapping[str, Any] | None = None
) -> None:
    """Raises LeaseLost if the transfer was cancelled, or another worker has it."""
    written = session.scalar(
        update(Transfer)
        .where(Transfer.id == job_id, Transfer.worker == worker, Transfer.ended_at.is_(None))
        .values(leased_until=func.clock_timestamp() + LEASE, step=step, figures=dict(figures or {}))
        .returning(Transfer.id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise _lost(job_id)


def finish(session: Session, job_id: UUID, worker: str, values: dict[str, Any]) -> None:
    """It is done or has failed. Raises LeaseLost."""
    if not jobs.end(session, [Transfer.id == job_id, Transfer.worker == worker], values):
        raise _lost(job_id)


def _lost(job_id: UUID) -> LeaseLost:
    return LeaseLost(f"transfer {job_id} was cancelled, or another process works on it")
