"""How a worker moves a job to its next state, back to embedding, or stops it."""

import logging
import sys

from indexer.records import reindexes
from indexer.records.database.session import Session
from indexer.records.reindexes import Job
from indexer.records.tables import Reindex

log = logging.getLogger(__name__)


def advance(session: Session, job: Job, worker: str, state: str) -> Reindex | None:
    """The job's row, locked, in the new state and without a lease.

    None if the job has changed or `worker` has lost its lease: then the result of its work is not recorded.
    """
    row = reindexes.lock(session, job.row.id)
    if row.state != job.row.state or row.worker != worker:
        return None
    row.state, row.worker, row.leased_until = state, None, None
    return row


def back_to_embedding(session: Session, job: Job, worker: str, reason: str) -> None:
    """For faces that were enrolled during the job by a process without the new model.

    If rows were deleted in SQL, embedding again would never end. Then the job stops.
    """
    counted, enrolled = reindexes.face_counts(session, job.gallery.id)
    if counted != enrolled:
        stop(
            session,
            job,
            f"{job.row.state}: the gallery's face_count is {counted}, but the number of its faces is"
            f" {enrolled}: rows were deleted in SQL. Correct face_count, and resume the job",
        )
        return
    row = advance(session, job, worker, "embedding")
    if row is not None:
        reindexes.add_event(session, row.id, f"back to embedding: {reason}")


def stop(session: Session, job: Job, problem: str) -> None:
    """Stops the job for every worker until an operator resumes it. Logs the exception being handled, if any.

    Does nothing if the job has changed meanwhile, because an operator cancelled it or another worker took
    it over: the failure is a consequence of that.
    """
    row = reindexes.lock(session, job.row.id)
    if row.state != job.row.state or row.worker != job.row.worker:
        log.info("re-index %s is %s now; ignoring a failure of earlier work: %s", row.id, row.state, problem)
        return
    log.error("re-index %s has stopped: %s", row.id, problem, exc_info=sys.exc_info()[0] is not None)
    row.problem, row.worker, row.leased_until = problem[:1000], None, None
    reindexes.add_event(session, row.id, f"stopped: {problem[:1000]}")
