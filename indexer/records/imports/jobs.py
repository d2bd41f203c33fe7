"""Imports: create and find."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.callers import current_caller
from indexer.errors import ImportExists, ImportNotFound, InvalidRequest
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.galleries import name_matches
from indexer.records.tables import Gallery, ImportFile, ImportJob
from indexer.records.text import checked_id, checked_text
from indexer.types import Attribute, OnSeveralFaces

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
    attributes: Collection[Attribute] = (),
    path: str | None = None,
    files_expected: int | None = None,
) -> tuple[ImportJob, bool]:
    """The import, and whether it is new: with the `key` of an import that exists, that one is returned.

    Raises InvalidRequest, also for attributes where nobody is named: several people may be in one picture,
    and none of them could have their estimates deleted. ImportExists if that import has other options.
    """
    if people_by == "nobody" and attributes:
        raise InvalidRequest("attributes are not estimated where nobody is named", field="attributes")
    caller = current_caller.get()
    options: dict[str, Any] = {
        "people_by": people_by,
        "several_faces": several_faces.value,
        "allow_duplicates": allow_duplicates,
        "attributes": sorted(each.value for each in attributes),
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
    named = {name: value for name, value in options.items() if name != "attributes" or value}
    details = {"import_id": created.id, **named, "path": path is not None}
    record(session, AuditEvent(action=Action.IMPORT_STARTED, gallery=gallery.name, details=details))
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
