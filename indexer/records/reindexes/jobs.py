"""Re-index jobs: begin one, find it, lock it, and what happened to it."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, undefer

from indexer.errors import EmbeddingsReplaced, ReindexExists, ReindexNotFound
from indexer.records.tables import Gallery, Model, Reindex, ReindexEvent

log = logging.getLogger(__name__)

LIVE = ("embedding", "building", "comparing", "ready", "active")
"""States in which a gallery's faces are embedded with both models."""
SWITCHABLE = ("ready", "active")
"""In which a gallery may go from one model to the other at any moment."""
STEPS = ("building", "comparing", "cleaning", "cancelling")
"""Which one worker does alone."""
CLOSED = ("done", "cancelled")
ROLLED_BACK = "rolled back to"
"""How the event of a rollback begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """With the names that its numbers stand for."""

    row: Reindex
    gallery: Gallery
    from_model: str
    """Fingerprint."""
    to_model: str


def models_in_use(
    session: Session, gallery_ids: Collection[UUID], states: Sequence[str] = LIVE
) -> dict[UUID, dict[str, int]]:
    """Numbers by fingerprint of the models that each gallery's faces are to have embeddings of.

    `states`: of jobs that count. With SWITCHABLE, those that the gallery may be searched with.
    """
    rows = session.execute(
        select(Gallery.id, Model.fingerprint, Model.id)
        .outerjoin(Reindex, (Reindex.gallery_id == Gallery.id) & Reindex.state.in_(states))
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


def embedded_by(session: Session, gallery_id: UUID, fingerprint: str) -> UUID | None:
    """The last job that went to a model; None where the gallery's faces were only ever enrolled with it."""
    return session.scalar(
        select(Reindex.id)
        .join(Model, Model.id == Reindex.to_model_id)
        .where(Reindex.gallery_id == gallery_id, Model.fingerprint == fingerprint)
        .order_by(Reindex.created_at.desc())
        .limit(1)
    )


def check_embedded_by(session: Session, gallery_id: UUID, fingerprint: str, job_id: UUID | None) -> None:
    """Raises EmbeddingsReplaced where the model's embeddings are not, or no longer, those of the job."""
    last = embedded_by(session, gallery_id, fingerprint)
    if last != job_id:
        raise EmbeddingsReplaced(
            f"it has embeddings of {fingerprint} from before the re-index {last or 'was undone'}",
            model=fingerprint,
        )


def switchable_galleries(session: Session) -> Sequence[tuple[Gallery, int, str]]:
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


def newest_first(
    session: Session, gallery_id: UUID | None = None, *, before: UUID | None = None, at_most: int = 100
) -> list[Job]:
    """The newest first; with `before` those that are older than it."""
    conditions = [] if gallery_id is None else [Reindex.gallery_id == gallery_id]
    if before is not None:
        conditions.append(Reindex.id < before)
    return _jobs(session, *conditions, at_most=at_most)


def runnable(session: Session, *states: str) -> list[Job]:
    """Those that nobody has paused and that have no problem, in one of `states`, the oldest first."""
    return _jobs(session, Reindex.state.in_(states), ~Reindex.paused, Reindex.problem.is_(None))[::-1]


def open_jobs(session: Session) -> list[Job]:
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


def add_event(session: Session, job_id: UUID, what: str) -> None:
    log.info("re-index %s: %s", job_id, what)
    session.add(ReindexEvent(reindex_id=job_id, text=what))


def events(session: Session, job_id: UUID) -> Sequence[ReindexEvent]:
    """The first first."""
    return session.scalars(
        select(ReindexEvent).where(ReindexEvent.reindex_id == job_id).order_by(ReindexEvent.id)
    ).all()


def rolled_back(session: Session, job: Job) -> bool:
    """Whether the job is ready only because its gallery was switched back."""
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
