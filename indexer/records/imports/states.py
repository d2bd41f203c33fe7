"""From one state of an import to the next: finish, wait, end, cancel, retry, delete, expire."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from indexer.errors import ImportState
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.imports.jobs import get
from indexer.records.tables import Gallery, ImportFile, ImportJob, ImportPicture


def finish(session: Session, gallery: Gallery, import_id: UUID) -> None:
    """No more files come. Changes nothing if that is known. Raises ImportNotFound, ImportState."""
    job = get(session, gallery.id, import_id, lock=True)
    if job.state == "cancelled":
        raise ImportState(f"import {import_id} is cancelled", state=job.state)
    if job.state == "receiving":
        job.state = "enrolling"
        _record(session, Action.IMPORT_CHANGED, gallery.name, import_id, state=job.state)
        session.flush()
        end_if_done(session, import_id)


def waits(session: Session, import_id: UUID, reason: str) -> bool:
    """Says why a process cannot enrol the files of the import, unless another does: whether that is new."""
    file = (ImportFile.import_id == import_id, ImportFile.state == "waiting")
    updated = session.execute(
        update(ImportJob)
        .where(
            ImportJob.id == import_id,
            ImportJob.ended_at.is_(None),
            ImportJob.waits_for.is_distinct_from(reason),
            exists().where(*file),
            ~exists().where(*file, ImportFile.leased_until > func.now()),
        )
        .values(waits_for=reason)
        .returning(ImportJob.id)
        .execution_options(synchronize_session=False)
    )
    return bool(updated.all())


def continues(session: Session, import_id: UUID) -> None:
    """A process enrols the files."""
    session.execute(
        update(ImportJob)
        .where(ImportJob.id == import_id, ImportJob.waits_for.is_not(None))
        .values(waits_for=None)
        .execution_options(synchronize_session=False)
    )


def end_if_done(session: Session, import_id: UUID) -> None:
    """Ends an import to which nothing is added any more, once no file waits."""
    waits = exists().where(ImportFile.import_id == import_id, ImportFile.state == "waiting")
    session.execute(
        update(ImportJob)
        .where(ImportJob.id == import_id, ImportJob.state == "enrolling", ~waits)
        .values(state="done", ended_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


def cancel(session: Session, gallery: Gallery, import_id: UUID) -> None:
    """Files that wait are no longer enrolled, and their bytes are deleted. Who is enrolled stays.

    Changes nothing if the import is cancelled. Raises ImportNotFound, ImportState if it is done.
    """
    job = get(session, gallery.id, import_id, lock=True)
    if job.state == "done":
        raise ImportState(f"import {import_id} is done", state=job.state)
    if job.state == "cancelled":
        return
    job.state, job.ended_at = "cancelled", session.scalars(select(func.now())).one()
    session.flush()
    waiting = select(ImportFile.id).where(ImportFile.import_id == import_id, ImportFile.state == "waiting")
    session.execute(
        delete(ImportPicture)
        .where(ImportPicture.file_id.in_(waiting))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(ImportFile)
        .where(ImportFile.import_id == import_id, ImportFile.state == "waiting")
        .values(state="cancelled", worker=None, leased_until=None, done_at=func.now())
        .execution_options(synchronize_session=False)
    )
    _record(session, Action.IMPORT_CHANGED, gallery.name, import_id, state="cancelled")


def retry(session: Session, gallery: Gallery, import_id: UUID) -> int:
    """Files that failed are enrolled again: how many. Raises ImportNotFound; ImportState if cancelled."""
    job = get(session, gallery.id, import_id, lock=True)
    if job.state == "cancelled":
        raise ImportState(f"import {import_id} is cancelled", state=job.state)
    has_bytes = exists().where(ImportPicture.file_id == ImportFile.id)
    again = session.execute(
        update(ImportFile)
        .where(ImportFile.import_id == import_id, ImportFile.state == "failed", has_bytes)
        .values(state="waiting", code=None, message=None, attempts=0, done_at=None)
        .returning(ImportFile.id)
        .execution_options(synchronize_session=False)
    ).all()
    if again:
        if job.state == "done":
            job.state, job.ended_at = "enrolling", None
        _record(session, Action.IMPORT_CHANGED, gallery.name, import_id, retried=len(again))
    return len(again)


def remove(session: Session, gallery: Gallery, import_id: UUID) -> None:
    """With its files and pictures. Who is enrolled stays. Raises ImportNotFound."""
    get(session, gallery.id, import_id, lock=True)
    session.execute(delete(ImportJob).where(ImportJob.id == import_id))
    _record(session, Action.IMPORT_DELETED, gallery.name, import_id)


def expire(session: Session, age: timedelta) -> int:
    """Deletes imports that ended so long ago: how many. Those that have received nothing for so long get no
    more files."""
    session.execute(
        update(ImportJob)
        .where(
            ImportJob.state == "receiving", ImportJob.path.is_(None), ImportJob.updated_at < func.now() - age
        )
        .values(state="enrolling")
        .execution_options(synchronize_session=False)
    )
    expired = session.execute(
        delete(ImportJob)
        .where(
            or_(ImportJob.state == "done", ImportJob.state == "cancelled"),
            ImportJob.ended_at < func.now() - age,
        )
        .returning(ImportJob.id)
        .execution_options(synchronize_session=False)
    )
    return len(expired.all())


def _record(session: Session, action: Action, gallery: str, import_id: UUID, **details: object) -> None:
    record(session, AuditEvent(action=action, gallery=gallery, details={"import_id": import_id, **details}))
