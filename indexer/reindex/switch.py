"""Begin, pause, switch, switch back, end: the operator's hand on a re-index job.

The switch is one row, the gallery's, in one transaction; every process reads it with each request and
has the other model and its index open by then.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import (
    EmbeddingsMissing,
    GatesNotPassed,
    InvalidRequest,
    ReindexExists,
    ReindexState,
    ReplicasNotReady,
    Unusable,
)
from indexer.pipeline.models import GalleryModels, check_calibrated
from indexer.records import changes, galleries, reindexes, replicas
from indexer.records.database.session import Database, Session
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Gallery, Reindex, Replica
from indexer.reindex import acceptance
from indexer.reindex.plan import Plan, check_room
from indexer.types import LogPosition

CHUNK = 256
"""Faces that a worker claims at once: some seconds of work."""
_POLL_SECONDS = 0.1


def check_startable(database: Database, models: GalleryModels, gallery: Gallery, card: ModelCard) -> None:
    """Before a network is opened and tried; `start` checks it again. Raises what that does, but for room."""
    check_calibrated(card)
    if models.for_gallery(gallery) == card:
        raise _searched_already(gallery, card)
    with database.reading() as session:
        busy = [job for job in reindexes.open_jobs(session) if job.gallery.id == gallery.id]
    if busy:
        raise ReindexExists(
            f"gallery {gallery.name!r} is being re-indexed to {busy[0].to_model} already",
            gallery=gallery.name,
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
    """From now on enrolments are embedded with both models; workers embed what is there already.

    `force`: even where the plan finds too little room. Raises ReindexExists, NotEnoughRoom, InvalidRequest
    (gates, or it is the gallery's model already), ModelNotCalibrated, GalleryNotFound.
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
            raise _searched_already(gallery, card)
        row = reindexes.begin(session, gallery, number, gates=gates, plan=asdict(plan))
        session.flush()
        reindexes.create_chunks(session, row, CHUNK)
        reindexes.add_event(
            session, row.id, f"started: {gallery.name} to {card.fingerprint}, gates {', '.join(gates)}"
        )
        notify(session, gallery.id)
        return reindexes.get(session, row.id)


def pause(database: Database, job_id: UUID) -> Job:
    """Raises ReindexNotFound, ReindexState."""

    def stop(_: Session, row: Reindex) -> None:
        row.paused = True

    return _change(database, job_id, reindexes.LIVE, "paused", stop)


def resume(database: Database, job_id: UUID) -> Job:
    """Also where a problem stopped it; its chunks may be tried as often again. Raises ReindexNotFound,
    ReindexState."""

    def go_on(session: Session, row: Reindex) -> None:
        row.paused, row.problem = False, None
        reindexes.reset_attempts(session, row.id)

    return _change(database, job_id, (*reindexes.LIVE, *reindexes.STEPS), "resumed", go_on)


def cancel(database: Database, job_id: UUID) -> Job:
    """What the new model made is deleted, by a worker. Raises ReindexNotFound, ReindexState."""
    states = tuple(state for state in reindexes.LIVE if state != "active")
    return _change(database, job_id, states, "cancelled by an operator", _into("cancelling"))


def cleanup(database: Database, job_id: UUID) -> Job:
    """What the old model made is deleted, by a worker: no way back. Raises ReindexNotFound, ReindexState."""
    return _change(database, job_id, ("active",), "the old model is given up", _into("cleaning"))


def activate(
    database: Database, job_id: UUID, *, force: str | None = None, patience_seconds: float = 30.0
) -> Job:
    """The gallery is searched with the new model from the next request on.

    `force`: why, where gates are not passed or a process is not ready; it is recorded. Raises
    ReindexNotFound, ReindexState, GatesNotPassed, ReplicasNotReady, EmbeddingsMissing.
    """
    with database.reading() as session:
        job = reindexes.get(session, job_id)
        comparison = reindexes.comparison(session, job_id)
    _expect(job.row, ("ready",))
    failed = [verdict for verdict in acceptance.judge(job.row.gates, comparison or {}) if not verdict.passed]
    if failed and not force:
        raise GatesNotPassed(
            "the new model has not passed its gates: " + "; ".join(map(str, failed)),
            gates=[asdict(verdict) for verdict in failed],
        )
    return _switch(database, job, "ready", "active", list(map(str, failed)), force, patience_seconds)


def rollback(
    database: Database, job_id: UUID, *, force: str | None = None, patience_seconds: float = 30.0
) -> Job:
    """Back to the old model, with all that was enrolled since. It may be activated again.

    Raises ReindexNotFound, ReindexState, ReplicasNotReady, EmbeddingsMissing.
    """
    with database.reading() as session:
        job = reindexes.get(session, job_id)
    _expect(job.row, ("active",))
    return _switch(database, job, "active", "ready", [], force, patience_seconds)


def _searched_already(gallery: Gallery, card: ModelCard) -> InvalidRequest:
    return InvalidRequest(f"gallery {gallery.name!r} is searched with {card.fingerprint} already", field="to")


def _switch(
    database: Database,
    job: Job,
    before: str,
    after: str,
    over: list[str],
    force: str | None,
    patience_seconds: float,
) -> Job:
    forth = after == "active"
    number, model = (job.row.to_model_id, job.to_model) if forth else (job.row.from_model_id, job.from_model)
    waiting = _await_replicas(database, job, before, model, 0.0 if force else patience_seconds)
    over = over + [f"not ready: {process}" for process in waiting]
    if waiting and not force:
        raise ReplicasNotReady(
            f"not every process could follow at once: {'; '.join(waiting)}", processes=waiting
        )
    with database.transaction() as session:
        gallery = galleries.lock(session, job.gallery.id)
        row = reindexes.lock(session, job.row.id)
        _expect(row, (before,))
        lacking = reindexes.count_missing(session, gallery.id, number)
        if lacking:
            raise EmbeddingsMissing(
                f"{lacking} faces have no embedding by {model} yet: a worker has to run", faces=lacking
            )
        gallery.model_id, row.state = number, after
        forced = f", forced over {'; '.join(over)} ({force})" if over else ""
        done = "activated" if forth else reindexes.ROLLED_BACK
        reindexes.add_event(session, row.id, f"{done} {model}{forced}")
        notify(session, gallery.id)
    with database.reading() as session:
        return reindexes.get(session, row.id)


def _await_replicas(database: Database, job: Job, state: str, model: str, seconds: float) -> list[str]:
    """Processes that serve and do not have the gallery's index of `model` open and in step, at the end of
    that time.

    Raises ReindexState as soon as the job is not in `state` any more, GalleryNotFound.
    """
    gallery_id = job.gallery.id
    with database.reading() as session:
        number = galleries.get(session, job.gallery.name).change_number
    deadline = time.monotonic() + seconds
    while True:
        with database.reading() as session:
            _expect(reindexes.get(session, job.row.id).row, (state,))
            alive = replicas.list_processes(session)
            told = replicas.by_gallery(session, [gallery_id])[gallery_id]
        has = {process.id: replica for process, replica in told if replica.model == model}
        waiting = []
        for process in alive:
            replica = has.get(process.id)
            why = _unready(database, gallery_id, replica)
            if why is not None:
                waiting.append(f"{process.host}, process {process.pid} {why}".strip())
            elif replica is not None and replica.applied < number:
                why = f"has reported change {replica.applied}, and change {number} is needed"
                waiting.append(f"{process.host}, process {process.pid} {why}")
        if not waiting or time.monotonic() >= deadline:
            return waiting
        time.sleep(_POLL_SECONDS)


def _unready(database: Database, gallery_id: UUID, replica: Replica | None) -> str | None:
    """Why a process could not follow a switch at once, by its last report."""
    if replica is None:
        return ""
    if replica.state not in ("ready", "renewing") or replica.token is None:
        return replica.problem or replica.state
    try:
        with database.reading() as session:
            changes.check(session, gallery_id, LogPosition(number=replica.applied, token=replica.token))
    except Unusable as error:
        return error.message
    return None


def _change(
    database: Database,
    job_id: UUID,
    states: Sequence[str],
    what: str,
    change: Callable[[Session, Reindex], None],
) -> Job:
    with database.transaction() as session:
        gallery_id = reindexes.get(session, job_id).row.gallery_id
        galleries.lock(session, gallery_id)  # an enrolment sees the job as it was, or as it is
        row = reindexes.lock(session, job_id)
        _expect(row, states)
        change(session, row)
        reindexes.add_event(session, row.id, what)
        notify(session, gallery_id)
    with database.reading() as session:
        return reindexes.get(session, job_id)


def _into(state: str) -> Callable[[Session, Reindex], None]:
    def change(_: Session, row: Reindex) -> None:
        row.state, row.paused, row.problem = state, False, None
        row.worker = row.leased_until = None

    return change


def _expect(row: Reindex, states: Sequence[str]) -> None:
    if row.state not in states:
        raise ReindexState(
            f"the job is {row.state}; that can be done while it is {', '.join(states)}", state=row.state
        )
