"""An operator's commands for a job: start, pause, resume, cancel, clean up."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import InvalidRequest, ReindexExists, ReindexState
from indexer.pipeline.models import GalleryModels, check_calibrated
from indexer.records import galleries, reindexes
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database, Session
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Gallery, Reindex
from indexer.reindex.comparison import acceptance
from indexer.reindex.plan import Plan, check_room

CHUNK = 256
"""Faces that a worker claims at once: some seconds of work."""


def check_startable(database: Database, models: GalleryModels, gallery: Gallery, card: ModelCard) -> None:
    """Run it before the network is loaded; `start` checks again.

    Raises ReindexExists, InvalidRequest (the gallery has the model already), ModelNotCalibrated.
    """
    check_calibrated(card)
    if models.for_gallery(gallery) == card:
        raise _has_model(gallery, card)
    with database.reading() as session:
        open_jobs = [job for job in reindexes.open_jobs(session) if job.gallery.id == gallery.id]
    if open_jobs:
        raise ReindexExists(
            f"gallery {gallery.name!r} has an open re-index to {open_jobs[0].to_model}", gallery=gallery.name
        )


def start(
    database: Database,
    models: GalleryModels,
    gallery: Gallery,
    card: ModelCard,
    plan: Plan,
    *,
    gates: Sequence[str] = acceptance.DEFAULT,
    force: bool = False,
) -> Job:
    """Creates the job and its chunks. From now on every enrolment is embedded with both models.

    `gates`: the acceptance criteria. `force`: start even if the plan finds too little room. Raises
    ReindexExists, NotEnoughRoom, InvalidRequest (a criterion, or the gallery has the model already),
    ModelNotCalibrated, GalleryNotFound.
    """
    acceptance.check(gates)
    check_calibrated(card)
    if not force:
        check_room([plan])
    number, default = models.number_of(card), models.number_of(models.default)
    with database.transaction(long=True) as session:
        gallery = galleries.lock(session, gallery.id)
        if gallery.model_id is None:
            gallery.model_id = default
        if gallery.model_id == number:
            raise _has_model(gallery, card)
        row = reindexes.begin(session, gallery, number, gates=gates, plan=asdict(plan))
        session.flush()
        reindexes.create_chunks(session, row, CHUNK)
        reindexes.add_event(
            session,
            row.id,
            f"started: {gallery.name} to {card.fingerprint}, acceptance criteria: {', '.join(gates)}",
        )
        notify(session, gallery.id)
        details = {"reindex_id": row.id, "to_model": card.fingerprint, "gates": list(gates), "force": force}
        record(session, AuditEvent(action=Action.REINDEX_STARTED, gallery=gallery.name, details=details))
        return reindexes.get(session, row.id)


def pause(database: Database, job_id: UUID) -> Job:
    """Workers leave the job alone until it is resumed. Raises ReindexNotFound, ReindexState."""

    def change(_: Session, row: Reindex) -> None:
        row.paused = True

    return _change(database, job_id, reindexes.LIVE, "paused", change)


def resume(database: Database, job_id: UUID) -> Job:
    """After a pause or a problem. Resets the attempts at its chunks. Raises ReindexNotFound, ReindexState."""

    def change(session: Session, row: Reindex) -> None:
        row.paused, row.problem = False, None
        reindexes.reset_attempts(session, row.id)

    return _change(database, job_id, (*reindexes.LIVE, *reindexes.STEPS), "resumed", change)


def cancel(database: Database, job_id: UUID) -> Job:
    """A worker deletes the new model's embeddings and index. Raises ReindexNotFound, ReindexState."""
    states = tuple(state for state in reindexes.LIVE if state != "active")
    return _change(database, job_id, states, "cancelled", _set_state("cancelling"))


def cleanup(database: Database, job_id: UUID) -> Job:
    """A worker deletes the old model's embeddings and index, which ends the possibility of a rollback.

    Raises ReindexNotFound, ReindexState.
    """
    return _change(database, job_id, ("active",), "cleanup started", _set_state("cleaning"))


def check_state(row: Reindex, states: Sequence[str]) -> None:
    """Raises ReindexState."""
    if row.state not in states:
        raise ReindexState(f"the job is {row.state}, but must be {' or '.join(states)}", state=row.state)


def _change(
    database: Database,
    job_id: UUID,
    states: Sequence[str],
    event: str,
    change: Callable[[Session, Reindex], None],
) -> Job:
    with database.transaction() as session:
        gallery_id = reindexes.get(session, job_id).row.gallery_id
        gallery = galleries.lock(
            session, gallery_id
        )  # an enrolment sees the job before the change, or after it
        row = reindexes.lock(session, job_id)
        check_state(row, states)
        change(session, row)
        reindexes.add_event(session, row.id, event)
        notify(session, gallery_id)
        details = {"reindex_id": job_id, "change": event}
        record(session, AuditEvent(action=Action.REINDEX_CHANGED, gallery=gallery.name, details=details))
    with database.reading() as session:
        return reindexes.get(session, job_id)


def _set_state(state: str) -> Callable[[Session, Reindex], None]:
    def change(_: Session, row: Reindex) -> None:
        row.state, row.paused, row.problem = state, False, None
        row.worker = row.leased_until = None

    return change


def _has_model(gallery: Gallery, card: ModelCard) -> InvalidRequest:
    return InvalidRequest(f"gallery {gallery.name!r} is searched with {card.fingerprint} already", field="to")
