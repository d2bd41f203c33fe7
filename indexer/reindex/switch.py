"""Switches a gallery to the new model, and back: one update of the gallery's row.

Every process reads the row with each request, and by then has the other model and its index open: the switch
waits until each process has reported that.
"""

import time
from dataclasses import asdict
from typing import Literal
from uuid import UUID

from indexer.errors import EmbeddingsMissing, GatesNotPassed, ReplicasNotReady, Unusable
from indexer.records import changes, galleries, reindexes, replicas
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Replica
from indexer.reindex.comparison import acceptance
from indexer.reindex.control import check_state
from indexer.types import LogPosition

_POLL_SECONDS = 0.1


def activate(
    database: Database, job_id: UUID, *, force: str | None = None, patience_seconds: float = 30.0
) -> Job:
    """Searches use the new model from the next request on.

    `force`: the reason for a switch although a criterion is not met or a process is not ready; it is
    recorded. Raises ReindexNotFound, ReindexState, GatesNotPassed, ReplicasNotReady, EmbeddingsMissing.
    """
    with database.reading() as session:
        job = reindexes.get(session, job_id)
        comparison = reindexes.comparison(session, job_id)
    check_state(job.row, ("ready",))
    failed = [v for v in acceptance.judge(job.row.gates, comparison or {}) if not v.passed]
    if failed and not force:
        raise GatesNotPassed(
            "the new model does not meet its acceptance criteria: " + "; ".join(map(str, failed)),
            gates=[asdict(verdict) for verdict in failed],
        )
    return _switch(database, job, "active", list(map(str, failed)), force, patience_seconds)


def rollback(
    database: Database, job_id: UUID, *, force: str | None = None, patience_seconds: float = 30.0
) -> Job:
    """Searches use the old model again, with every face enrolled since. The job may be activated again.

    Raises ReindexNotFound, ReindexState, ReplicasNotReady, EmbeddingsMissing.
    """
    with database.reading() as session:
        job = reindexes.get(session, job_id)
    check_state(job.row, ("active",))
    return _switch(database, job, "ready", [], force, patience_seconds)


def _switch(
    database: Database,
    job: Job,
    to_state: Literal["active", "ready"],
    objections: list[str],
    force: str | None,
    patience_seconds: float,
) -> Job:
    """`objections`: what `force` has overridden so far."""
    if to_state == "active":
        from_state, event, number, model = "ready", "activated", job.row.to_model_id, job.to_model
    else:
        from_state, event = "active", reindexes.ROLLED_BACK
        number, model = job.row.from_model_id, job.from_model
    not_ready = _wait_for_processes(database, job, from_state, model, 0.0 if force else patience_seconds)
    if not_ready and not force:
        raise ReplicasNotReady(
            f"these processes cannot switch at once: {'; '.join(not_ready)}", processes=not_ready
        )
    objections = objections + [f"not ready: {process}" for process in not_ready]
    with database.transaction() as session:
        gallery = galleries.lock(session, job.gallery.id)
        row = reindexes.lock(session, job.row.id)
        check_state(row, (from_state,))
        missing = reindexes.count_missing(session, gallery.id, number)
        if missing:
            raise EmbeddingsMissing(
                f"{missing} faces have no embedding by {model} yet; a worker must run", faces=missing
            )
        gallery.model_id, row.state = number, to_state
        forced = f", forced although {'; '.join(objections)} ({force})" if objections else ""
        reindexes.add_event(session, row.id, f"{event} {model}{forced}")
        notify(session, gallery.id)
        details = {
            "reindex_id": row.id,
            "change": event,
            "from_model": job.from_model if to_state == "active" else job.to_model,
            "to_model": model,
            "force": force,
            "objections": objections,
        }
        record(session, AuditEvent(action=Action.MODEL_SWITCHED, gallery=gallery.name, details=details))
    with database.reading() as session:
        return reindexes.get(session, row.id)


def _wait_for_processes(database: Database, job: Job, state: str, model: str, seconds: float) -> list[str]:
    """Waits up to `seconds` until every serving process has an up-to-date index by `model` open.

    Returns the processes that do not, each with the reason. Raises ReindexState as soon as the job leaves
    `state`, and GalleryNotFound.
    """
    gallery_id = job.gallery.id
    with database.reading() as session:
        number = galleries.get(session, job.gallery.name).change_number
    deadline = time.monotonic() + seconds
    while True:
        with database.reading() as session:
            check_state(reindexes.get(session, job.row.id).row, (state,))
            processes = [one for one in replicas.list_processes(session) if one.shard_set_id is None]
            reports = replicas.by_gallery(session, [gallery_id])[gallery_id]
        by_process = {process.id: replica for process, replica in reports if replica.model == model}
        not_ready = []
        for process in processes:
            reason = _not_ready_reason(database, gallery_id, by_process.get(process.id), number)
            if reason is not None:
                not_ready.append(f"{process.host}, process {process.pid}: {reason}")
        if not not_ready or time.monotonic() >= deadline:
            return not_ready
        time.sleep(_POLL_SECONDS)


def _not_ready_reason(
    database: Database, gallery_id: UUID, replica: Replica | None, change_number: int
) -> str | None:
    """Why a process cannot switch at once, by its last report; None where it can."""
    if replica is None:
        return "it has not opened the index"
    if replica.state not in ("ready", "rebuilding") or replica.token is None:
        return replica.problem or replica.state
    try:
        with database.reading() as session:
            changes.check(session, gallery_id, LogPosition(number=replica.applied, token=replica.token))
    except Unusable as error:
        return error.message
    if replica.applied < change_number:
        return f"it has applied change {replica.applied} of {change_number}"
    return None
