"""Jobs of galleries: create, find, end, cancel."""

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, undefer

from indexer.callers import current_caller
from indexer.records.audit.event import AuditEvent, record
from indexer.records.gallery_jobs import leases
from indexer.records.gallery_jobs.kinds import CLUSTERING, KINDS, JobKind
from indexer.records.tables import Gallery, GalleryJob


def create(
    session: Session, gallery: Gallery, kind: JobKind, options: dict[str, Any], *, worker: str | None = None
) -> GalleryJob:
    """`worker`: who begins it at once. Results of earlier jobs of the kind are deleted. One whose worker was
    killed has failed: there may be no serving process that would take it over.

    Raises the kind's `exists` if the gallery has another open one.
    """
    _end_abandoned(session, gallery, kind)
    caller = current_caller.get()
    job = GalleryJob(
        gallery_id=gallery.id,
        kind=kind.name,
        options=options,
        caller_name=caller.name,
        caller_key_id=caller.key_id,
    )
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError as error:
        if "gallery_job_open_key" not in str(error.orig):
            raise
        raise _exists(gallery, kind) from None
    session.execute(
        update(GalleryJob)
        .where(
            GalleryJob.gallery_id == gallery.id,
            GalleryJob.kind == kind.name,
            GalleryJob.result.is_not(None),
        )
        .values(result=None)
        .execution_options(synchronize_session=False)
    )
    if worker is not None:
        leases.lease(session, job.id, worker)
    session.refresh(job)
    details = {kind.name: job.id, **options}
    record(session, AuditEvent(action=kind.started, gallery=gallery.name, details=details))
    return job


def _end_abandoned(session: Session, gallery: Gallery, kind: JobKind) -> None:
    abandoned = select(GalleryJob).where(
        GalleryJob.gallery_id == gallery.id,
        GalleryJob.kind == kind.name,
        GalleryJob.ended_at.is_(None),
        GalleryJob.leased_until < func.now(),
    )
    for old in session.scalars(abandoned.with_for_update()):
        problem = f"the process that worked on it ended, and another {kind.noun} was begun"
        leases.end(session, old, "failed", problem)


def _exists(gallery: Gallery, kind: JobKind) -> Exception:
    return kind.exists(f"gallery {gallery.name} has another {kind.noun} that has not ended")


def get(
    session: Session,
    gallery_id: UUID,
    kind: JobKind,
    job_id: UUID,
    *,
    lock: bool = False,
    with_result: bool = False,
) -> GalleryJob:
    """Raises the kind's `not_found`."""
    query = select(GalleryJob).where(
        GalleryJob.gallery_id == gallery_id, GalleryJob.kind == kind.name, GalleryJob.id == job_id
    )
    if with_result:
        query = query.options(undefer(GalleryJob.result))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    job = session.scalar(query)
    if job is None:
        raise kind.not_found(f"there is no {kind.noun} {job_id} in this gallery", id=str(job_id))
    return job


def newest_first(
    session: Session, gallery_id: UUID, kind: JobKind, *, before: UUID | None = None, at_most: int
) -> Sequence[GalleryJob]:
    query = select(GalleryJob).where(GalleryJob.gallery_id == gallery_id, GalleryJob.kind == kind.name)
    if before is not None:
        query = query.where(GalleryJob.id < before)
    return session.scalars(query.order_by(GalleryJob.id.desc()).limit(at_most)).all()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    job: GalleryJob
    gallery: str
    """Its name."""
    seconds: float
    """Since a worker began it; 0 before."""


def open_jobs(session: Session) -> list[OpenJob]:
    """Of all galleries, the oldest first."""
    age = func.extract("epoch", func.clock_timestamp() - GalleryJob.started_at)
    rows = session.execute(
        select(GalleryJob, Gallery.name, age)
        .join(Gallery, Gallery.id == GalleryJob.gallery_id)
        .where(GalleryJob.ended_at.is_(None))
        .order_by(GalleryJob.id)
    )
    return [OpenJob(job=job, gallery=name, seconds=float(seconds or 0)) for job, name, seconds in rows]


def newest_that_joined(session: Session, gallery_id: UUID) -> UUID | None:
    """The newest clustering that has joined anybody, whether or not it is undone."""
    figures = GalleryJob.figures
    return session.scalar(
        select(GalleryJob.id)
        .where(
            GalleryJob.gallery_id == gallery_id,
            GalleryJob.kind == CLUSTERING.name,
            or_(*(figures[name].astext.cast(Integer) > 0 for name in ("joined", "named"))),
        )
        .order_by(GalleryJob.id.desc())
        .limit(1)
    )


def done(
    session: Session, job_id: UUID, worker: str, *, problem: str | None = None, result: Any = None
) -> GalleryJob:
    """Ends it: done, undone, or failed with a `problem`. `result`: JSON. Raises LeaseLost."""
    leases.progress(session, job_id, worker)
    job = session.get_one(GalleryJob, job_id, populate_existing=True)
    if result is not None:
        job.result = zlib.compress(json.dumps(result, separators=(",", ":")).encode())
    success = "undone" if job.undo else "done"
    leases.end(session, job, success if problem is None else "failed", problem)
    return job


def result_of(job: GalleryJob) -> Any:
    """Of a dry run that is done; `job` was read with its result. Raises the kind's `state`."""
    if job.result is None:
        kind = KINDS[job.kind]
        dry_run = bool(job.options.get("dry_run"))
        raise kind.state(
            f"{kind.noun} {job.id} has no list of groups: it is {job.state}"
            + (", and a later one has begun" if dry_run and job.state == "done" else "")
            + ("" if dry_run else ", and no dry run"),
            state=job.state,
        )
    return json.loads(zlib.decompress(job.result))


def begin_undo(session: Session, gallery: Gallery, job_id: UUID, *, worker: str | None = None) -> GalleryJob:
    """Of a clustering that has ended: it is open again, to undo what it has joined. Changes nothing if it is
    being undone, or if all is undone. `worker`: as for `create`.

    Raises ClusteringNotFound, ClusteringState (it has not ended, or is a dry run), ClusteringExists.
    """
    kind = CLUSTERING
    _end_abandoned(session, gallery, kind)
    job = get(session, gallery.id, kind, job_id, lock=True)
    if job.options["dry_run"]:
        raise kind.state(f"clustering {job_id} is a dry run: it has joined nothing", state=job.state)
    if job.ended_at is None and not job.undo:
        raise kind.state(f"clustering {job_id} is {job.state}: cancel it first", state=job.state)
    if job.ended_at is None or (job.state == "undone" and not _kept(job)):
        return job
    caller = current_caller.get()
    try:
        with session.begin_nested():
            job.undo, job.state, job.attempts, job.problem = True, "waiting", 0, None
            job.ended_at, job.started_at = None, None
            job.undone_by, job.undone_by_key_id = caller.name, caller.key_id
            session.flush()
    except IntegrityError as error:
        if "gallery_job_open_key" not in str(error.orig):
            raise
        raise _exists(gallery, kind) from None
    if worker is not None:
        leases.lease(session, job.id, worker)
    session.refresh(job)
    details = {kind.name: job_id, "state": "undoing"}
    record(session, AuditEvent(action=kind.changed, gallery=gallery.name, details=details))
    return job


def _kept(job: GalleryJob) -> bool:
    """Whether some of its joins were left as they are."""
    return any(count for name, count in job.figures.items() if name.startswith("kept_"))


def cancel(session: Session, gallery: Gallery, kind: JobKind, job_id: UUID) -> GalleryJob:
    """What it has written stays. Changes nothing if it is cancelled. Raises the kind's `not_found`, and
    `state` if it has ended otherwise."""
    job = get(session, gallery.id, kind, job_id, lock=True)
    if job.state == "cancelled":
        return job
    if job.ended_at is not None:
        raise kind.state(f"{kind.noun} {job_id} is {job.state}", state=job.state)
    leases.end(session, job, "cancelled", None)
    details = {kind.name: job_id, "state": "cancelled"}
    record(session, AuditEvent(action=kind.changed, gallery=gallery.name, details=details))
    return job
