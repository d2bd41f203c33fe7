"""Re-index jobs and their events: begin, find, lock."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, undefer

from indexer.errors import ReindexExists, ReindexNotFound
from indexer.records.galleries import name_matches
from indexer.records.tables import Gallery, Model, Reindex, ReindexEvent

log = logging.getLogger(__name__)

LIVE = ("embedding", "building", "comparing", "ready", "active")
"""States in which a gallery's faces are embedded with both models."""
SWITCHABLE = ("ready", "active")
"""States in which a gallery may be switched from one model to the other at any moment."""
STEPS = ("building", "comparing", "cleaning", "cancelling")
"""States whose work one worker does alone."""
CLOSED = ("done", "cancelled")
ROLLED_BACK = "rolled back to"
"""The first words of a rollback's event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with its gallery and the fingerprints of its models."""

    row: Reindex
    gallery: Gallery
    from_model: str
    to_model: str


def begin(
    session: Session, gallery: Gallery, to_model_id: int, *, gates: Sequence[str], plan: Mapping[str, Any]
) -> Reindex:
    """Creates a job. The gallery must be locked and have a model. Raises ReindexExists."""
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
            f"gallery {gallery.name!r} has an open re-index already", gallery=gallery.name
        ) from error
    return job


def get(session: Session, job_id: UUID) -> Job:
    """Raises ReindexNotFound."""
    found = _jobs(session, Reindex.id == job_id)
    if not found:
        raise ReindexNotFound(f"there is no re-index job {job_id}", id=str(job_id))
    return found[0]


def newest_first(
    session: Session,
    gallery_id: UUID | None = None,
    *,
    before: UUID | None = None,
    at_most: int = 100,
    patterns: Sequence[str] | None = None,
) -> list[Job]:
    """The newest jobs first; with `before` only those older than that job. `patterns`: of galleries, as in
    `galleries.page`."""
    conditions = [] if gallery_id is None else [Reindex.gallery_id == gallery_id]
    if before is not None:
        conditions.append(Reindex.id < before)
    if patterns is not None:
        conditions.append(name_matches(patterns))
    return _jobs(session, *conditions, at_most=at_most)


def runnable(session: Session, *states: str) -> list[Job]:
    """Jobs in one of `states` that are neither paused nor stopped by a problem, the oldest first."""
    return _jobs(session, Reindex.state.in_(states), ~Reindex.paused, Reindex.problem.is_(None))[::-1]


def open_jobs(session: Session) -> list[Job]:
    """Jobs that have not ended, the oldest first: at most one for each gallery."""
    return _jobs(session, Reindex.state.not_in(CLOSED))[::-1]


def lock(session: Session, job_id: UUID) -> Reindex:
    """Locks the row until the transaction ends. Lock the gallery first, if both. Raises ReindexNotFound."""
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


def add_event(session: Session, job_id: UUID, text: str) -> None:
    """Adds to the job's history, and logs."""
    log.info("re-index %s: %s", job_id, text)
    session.add(ReindexEvent(reindex_id=job_id, text=text))


def events(session: Session, job_id: UUID) -> Sequence[ReindexEvent]:
    """In order of time."""
    return session.scalars(
        select(ReindexEvent).where(ReindexEvent.reindex_id == job_id).order_by(ReindexEvent.id)
    ).all()


def last_event(session: Session, job_id: UUID) -> tuple[str, float]:
    """The text of the newest event, and its age in seconds. Every job has an event of its start."""
    text, seconds = session.execute(
        select(ReindexEvent.text, func.extract("epoch", func.now() - ReindexEvent.at))
        .where(ReindexEvent.reindex_id == job_id)
        .order_by(ReindexEvent.id.desc())
        .limit(1)
    ).one()
    return text, float(seconds)


def rolled_back(session: Session, job: Job) -> bool:
    """Whether the job is ready because its gallery was rolled back."""
    if job.row.state != "ready":
        return False
    found = select(ReindexEvent.id).where(
        ReindexEvent.reindex_id == job.row.id, ReindexEvent.text.startswith(ROLLED_BACK)
    )
    return session.scalar(found.limit(1)) is not None


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
