"""Imports: create, find, finish, cancel, delete."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.callers import current_caller
from indexer.errors import ImportExists, ImportNotFound, ImportState
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.galleries import name_matches
from indexer.records.tables import Gallery, ImportFile, ImportJob, ImportPicture
from indexer.records.text import checked_id, checked_text
from indexer.types import OnSeveralFaces

OPEN = ("receiving", "enrolling")
"""States in which files are enrolled."""


def create(
    session: Session,
    gallery: Gallery,
    *,
    key: str | None = None,
    name: str | None = None,
    people_by: str = "folder",
    several_faces: OnSeveralFaces = OnSeveralFaces.REJECT,
    allow_duplicates: bool = False,
    path: str | None = None,
    files_expected: int | None = None,
) -> tuple[ImportJob, bool]:
    """The import, and whether it is new: with the `key` of an import that exists, that one is returned.

    Raises InvalidRequest, ImportExists if that import has other options.
    """
    caller = current_caller.get()
    options: dict[str, Any] = {
        "people_by": people_by,
        "several_faces": several_faces.value,
        "allow_duplicates": allow_duplicates,
        "path": path,
    }
    created = ImportJob(
        gallery_id=gallery.id,
        key=checked_id(key, "key"),
        name=checked_text(name, "name"),
        files_expected=files_expected,
        caller_name=caller.name,
        caller_key_id=caller.key_id,
        **options,
    )
    columns = ("id", "gallery_id", "key", "name", "files_expected", "caller_name", "caller_key_id", *options)
    inserted = session.scalar(
        insert(ImportJob)
        .values({column: getattr(created, column) for column in columns})
        .on_conflict_do_nothing(constraint="import_job_key_key")
        .returning(ImportJob.id)
    )
    if inserted is None:
        known = session.scalars(
            select(ImportJob).where(ImportJob.gallery_id == gallery.id, ImportJob.key == created.key)
        ).one()
        if any(getattr(known, option) != value for option, value in options.items()):
            raise ImportExists(
                f"import {known.id} has the key {created.key!r} already, with other options", id=str(known.id)
            )
        return known, False
    _record(session, Action.IMPORT_STARTED, gallery.name, created.id, **options | {"path": path is not None})
    return session.get_one(ImportJob, created.id), True


def get(session: Session, gallery_id: UUID, import_id: UUID, *, lock: bool = False) -> ImportJob:
    """Raises ImportNotFound."""
    query = select(ImportJob).where(ImportJob.gallery_id == gallery_id, ImportJob.id == import_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    job = session.scalar(query)
    if job is None:
        raise ImportNotFound(f"there is no import {import_id} in this gallery", id=str(import_id))
    return job


def newest_first(
    session: Session, gallery_id: UUID, *, before: UUID | None = None, at_most: int
) -> Sequence[ImportJob]:
    query = select(ImportJob).where(ImportJob.gallery_id == gallery_id)
    if before is not None:
        query = query.where(ImportJob.id < before)
    return session.scalars(query.order_by(ImportJob.id.desc()).limit(at_most)).all()


def open_newest_first(
    session: Session, *, patterns: Sequence[str] | None, before: UUID | None, at_most: int
) -> list[tuple[ImportJob, str]]:
    """Imports that have not ended, with their gallery's name. `patterns`: as in `galleries.page`."""
    query = (
        select(ImportJob, Gallery.name)
        .join(Gallery, Gallery.id == ImportJob.gallery_id)
        .where(ImportJob.ended_at.is_(None))
    )
    if patterns is not None:
        query = query.where(name_matches(patterns))
    if before is not None:
        query = query.where(ImportJob.id < before)
    rows = session.execute(query.order_by(ImportJob.id.desc()).limit(at_most))
    return [(job, gallery) for job, gallery in rows]


def open_ids(session: Session) -> list[UUID]:
    """Of all imports with something to do, the oldest first: not those that only wait for files, of which
    there may be thousands."""
    waits = exists().where(ImportFile.import_id == ImportJob.id, ImportFile.state == "waiting")
    return list(
        session.scalars(
            select(ImportJob.id)
            .where(ImportJob.ended_at.is_(None), or_(ImportJob.state == "enrolling", waits))
            .order_by(ImportJob.id)
        )
    )


def count_open(session: Session) -> int:
    """Imports that have not ended, also those that wait for files."""
    return session.scalar(select(func.count()).where(ImportJob.ended_at.is_(None))) or 0


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
