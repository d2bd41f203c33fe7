"""Clusterings: create, find, claim, end, cancel."""

import json
import zlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from indexer.callers import current_caller
from indexer.errors import ClusteringExists, ClusteringNotFound, ClusteringState, LeaseLost
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.tables import Clustering, Gallery

LEASE = timedelta(seconds=30)
MAX_ATTEMPTS = 3
"""A clustering whose worker was killed so often has failed: it may be what kills workers."""


def create(
    session: Session,
    gallery: Gallery,
    *,
    threshold: float | None = None,
    join_groups: bool = False,
    join_named: bool = False,
    dry_run: bool = False,
    worker: str | None = None,
) -> Clustering:
    """`worker`: who begins it at once. Lists of groups of earlier dry runs are deleted. One whose worker was
    killed has failed: there may be no serving process that would take it over.

    Raises ClusteringExists if the gallery has another open one.
    """
    abandoned = select(Clustering).where(
        Clustering.gallery_id == gallery.id,
        Clustering.ended_at.is_(None),
        Clustering.leased_until < func.now(),
    )
    for old in session.scalars(abandoned.with_for_update()):
        _end(session, old, "failed", "the process that worked on it ended, and another clustering was begun")
    caller = current_caller.get()
    job = Clustering(
        gallery_id=gallery.id,
        dry_run=dry_run,
        join_groups=join_groups,
        join_named=join_named,
        threshold=threshold,
        caller_name=caller.name,
        caller_key_id=caller.key_id,
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        if "clustering_open_key" not in str(error.orig):
            raise
        raise ClusteringExists(f"gallery {gallery.name} is being clustered already") from None
    session.execute(
        update(Clustering)
        .where(Clustering.gallery_id == gallery.id, Clustering.result.is_not(None))
        .values(result=None)
        .execution_options(synchronize_session=False)
    )
    if worker is not None:
        _lease(session, job.id, worker)
    session.refresh(job)
    options = {
        "clustering": job.id,
        "dry_run": dry_run,
        "join_groups": join_groups,
        "join_named": join_named,
        "threshold": threshold,
    }
    record(session, AuditEvent(action=Action.CLUSTERING_STARTED, gallery=gallery.name, details=options))
    return job


def get(
    session: Session, gallery_id: UUID, job_id: UUID, *, lock: bool = False, with_result: bool = False
) -> Clustering:
    """Raises ClusteringNotFound."""
    query = select(Clustering).where(Clustering.gallery_id == gallery_id, Clustering.id == job_id)
    if with_result:
        query = query.options(undefer(Clustering.result))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    job = session.scalar(query)
    if job is None:
        raise ClusteringNotFound(f"there is no clustering {job_id} in this gallery", id=str(job_id))
    return job


def newest_first(
    session: Session, gallery_id: UUID, *, before: UUID | None = None, at_most: int
) -> Sequence[Clustering]:
    query = select(Clustering).where(Clustering.gallery_id == gallery_id)
    if before is not None:
        query = query.where(Clustering.id < before)
    return session.scalars(query.order_by(Clustering.id.desc()).limit(at_most)).all()


def claim(session: Session, worker: str) -> Clustering | None:
    """Leases to the worker the oldest clustering that nobody works on. One that was claimed too often has
    failed."""
    job = session.scalar(
        select(Clustering)
        .where(
            Clustering.ended_at.is_(None),
            or_(Clustering.leased_until.is_(None), Clustering.leased_until < func.now()),
        )
        .order_by(Clustering.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if job is None:
        return None
    if job.attempts >= MAX_ATTEMPTS:
        problem = f"the process that worked on it ended {MAX_ATTEMPTS} times; its log says why"
        _end(session, job, "failed", problem)
        return None
    _lease(session, job.id, worker)
    session.refresh(job)
    return job


def _lease(session: Session, job_id: UUID, worker: str) -> None:
    session.execute(
        update(Clustering)
        .where(Clustering.id == job_id)
        .values(
            state="running",
            worker=worker,
            leased_until=func.clock_timestamp() + LEASE,
            attempts=Clustering.attempts + 1,
        )
        .execution_options(synchronize_session=False)
    )


def renew_leases(session: Session, worker: str) -> None:
    session.execute(
        update(Clustering)
        .where(Clustering.worker == worker, Clustering.ended_at.is_(None))
        .values(leased_until=func.clock_timestamp() + LEASE)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, worker: str, *, tried: bool = False) -> None:
    """Gives back what the worker holds. `tried`: it counts as an attempt."""
    session.execute(
        update(Clustering)
        .where(Clustering.worker == worker, Clustering.ended_at.is_(None))
        .values(
            worker=None,
            leased_until=None,
            state="waiting",
            attempts=Clustering.attempts - (0 if tried else 1),
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
    """Written in the transaction of the work that it describes. Raises LeaseLost if the clustering was
    cancelled or deleted, or another worker has it: then nothing of that work is written."""
    values: dict[Any, Any] = {Clustering.leased_until: func.clock_timestamp() + LEASE}
    if step is not None:
        values[Clustering.step] = step
    if figures is not None:
        values[Clustering.figures] = dict(figures)
    if threshold is not None:
        values[Clustering.used_threshold] = threshold
    written = session.scalar(
        update(Clustering)
        .where(Clustering.id == job_id, Clustering.worker == worker, Clustering.ended_at.is_(None))
        .values(values)
        .returning(Clustering.id)
        .execution_options(synchronize_session=False)
    )
    if written is None:
        raise LeaseLost(f"clustering {job_id} was cancelled, or another process works on it")


def end(
    session: Session, job_id: UUID, worker: str, *, problem: str | None = None, result: Any = None
) -> None:
    """Done, or failed with a `problem`. `result`: JSON. Raises LeaseLost."""
    progress(session, job_id, worker)
    job = session.get_one(Clustering, job_id, populate_existing=True)
    if result is not None:
        job.result = zlib.compress(json.dumps(result, separators=(",", ":")).encode())
    _end(session, job, "done" if problem is None else "failed", problem)


def result_of(job: Clustering) -> Any:
    """Of a dry run that is done; `job` was read with its result. Raises ClusteringState."""
    if job.result is None:
        raise ClusteringState(
            f"clustering {job.id} has no list of groups: it is {job.state}"
            + (", and a later one has begun" if job.dry_run and job.state == "done" else "")
            + ("" if job.dry_run else ", and no dry run"),
            state=job.state,
        )
    return json.loads(zlib.decompress(job.result))


def cancel(session: Session, gallery: Gallery, job_id: UUID) -> Clustering:
    """What was joined stays joined. Changes nothing if it is cancelled. Raises ClusteringNotFound,
    ClusteringState if it has ended otherwise."""
    job = get(session, gallery.id, job_id, lock=True)
    if job.state == "cancelled":
        return job
    if job.ended_at is not None:
        raise ClusteringState(f"clustering {job_id} is {job.state}", state=job.state)
    _end(session, job, "cancelled", None)
    details = {"clustering": job_id, "state": "cancelled"}
    record(session, AuditEvent(action=Action.CLUSTERING_CHANGED, gallery=gallery.name, details=details))
    return job


def _end(session: Session, job: Clustering, state: str, problem: str | None) -> None:
    now = session.scalars(select(func.clock_timestamp())).one()
    job.state, job.problem, job.ended_at = state, problem and problem[:1000], now
    job.worker, job.leased_until, job.step = None, None, None
    session.flush()
