"""Records the result of a step in its job, if the worker still holds the step."""

import logging
import sys
from typing import Any

from indexer.calibration.measured_curve import MeasuredCurve
from indexer.records import calibrations, reindexes
from indexer.records.database.session import Session
from indexer.records.notifications import notify
from indexer.records.reindexes import Job
from indexer.records.tables import Reindex

log = logging.getLogger(__name__)


def built(session: Session, job: Job, worker: str, verified: dict[str, Any]) -> bool:
    """False where the job was taken away meanwhile."""
    row = _into(session, job, worker, "comparing")
    if row is None:
        return False
    row.verified = verified
    said = f"index {verified['snapshot']} is built and equal: {verified['count']} faces"
    reindexes.add_event(session, row.id, said)
    return True


def compared(
    session: Session,
    job: Job,
    worker: str,
    comparison: dict[str, Any],
    calibration: MeasuredCurve | None,
    calibrated: str,
) -> None:
    """`calibrated`: what there is to say of the calibration."""
    row = _into(session, job, worker, "ready")
    if row is None:
        return
    row.comparison = comparison
    failed = [gate["gate"] for gate in comparison["gates"] if not gate["passed"]]
    verdict = f"not passed: {', '.join(failed)}" if failed else "all gates are passed"
    reindexes.add_event(session, row.id, f"compared; {verdict}")
    if calibration is not None:
        calibrations.add(
            session,
            gallery_id=job.gallery.id,
            model_id=job.row.to_model_id,
            source="gallery",
            parameters=calibration.to_json(),
        )
    reindexes.add_event(session, row.id, calibrated)
    notify(session, job.gallery.id)


def cleaned(session: Session, job: Job, worker: str) -> None:
    ended, whose = ("done", "old") if job.row.state == "cleaning" else ("cancelled", "new")
    row = _into(session, job, worker, ended)
    if row is not None:
        reindexes.add_event(session, row.id, f"the embeddings of the {whose} model are gone")
        notify(session, job.gallery.id)


def back_to_embedding(session: Session, job: Job, worker: str, why: str) -> None:
    """Faces were enrolled meanwhile by a process that could not embed them with the new model.

    Where faces are missing for another reason, embedding again would not end: then the job is stopped.
    """
    counted, enrolled = reindexes.face_counts(session, job.gallery.id)
    if counted != enrolled:
        stopped(
            session,
            job,
            f"{job.row.state}: {counted} faces are counted, and {enrolled} {'is' if enrolled == 1 else 'are'}"
            " enrolled: rows were deleted in SQL. Set face_count in the gallery's row to the number of its"
            " faces, and resume",
        )
        return
    row = _into(session, job, worker, "embedding")
    if row is not None:
        reindexes.add_event(session, row.id, f"back to embedding: {why}")


def stopped(session: Session, job: Job, problem: str) -> None:
    """For everybody, until an operator resumes it. Call it where an error is being handled, if any.

    A job that has gone on meanwhile, cancelled by an operator or taken over, is no longer to be stopped:
    what was being done for it has failed because of that.
    """
    row = reindexes.lock(session, job.row.id)
    if row.state != job.row.state or row.worker != job.row.worker:
        log.info("re-index %s: given up, since it is %s by now: %s", row.id, row.state, problem)
        return
    log.error("re-index %s is stopped: %s", row.id, problem, exc_info=sys.exc_info()[0] is not None)
    row.problem, row.worker, row.leased_until = problem[:1000], None, None
    reindexes.add_event(session, row.id, f"stopped: {problem[:1000]}")


def _into(session: Session, job: Job, worker: str, state: str) -> Reindex | None:
    """The job, in its next state and free; None where somebody has taken it on or away meanwhile."""
    row = reindexes.lock(session, job.row.id)
    if row.state != job.row.state or row.worker != worker:
        return None
    row.state, row.worker, row.leased_until = state, None, None
    return row
