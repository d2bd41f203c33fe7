"""Transfers: create, find, cancel, delete. `leases` has what a worker does with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, insert, or_, select, text, update
from sqlalchemy.orm import Session, undefer

from indexer.callers import current_caller
from indexer.errors import Busy, TransferExists, TransferNotFound, TransferState, UploadTooLarge
from indexer.records import galleries
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.tables import Transfer, TransferFile

IDLE = timedelta(days=1)
"""A transfer for which nothing arrives for so long has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFile:
    name: str
    size: int
    """In bytes."""
    sha256: bytes


def create(
    session: Session,
    gallery: str,
    files: Sequence[ExpectedFile],
    *,
    manifest: bytes,
    sha256: bytes,
    into_existing: bool,
    join_people: bool,
    model: str | None,
    max_waiting_bytes: float,
) -> tuple[Transfer, bool]:
    """The transfer, and whether it is new: an open one of the same export with the same options is it.

    `sha256`: of the manifest. Raises TransferExists (another one is open), UploadTooLarge, Busy.
    """
    # Two that begin at once would each find room for itself.
    session.execute(text("LOCK TABLE transfer IN SHARE ROW EXCLUSIVE MODE"))
    size = sum(file.size for file in files)
    open_one = session.scalar(
        select(Transfer).where(Transfer.gallery == gallery, Transfer.ended_at.is_(None))
    )
    options: dict[str, Any] = {"into_existing": into_existing, "join_people": join_people, "model": model}
    if open_one is not None:
        known = (bytes(open_one.manifest_sha256), *(getattr(open_one, name) for name in options))
        if known != (sha256, *options.values()):
            raise TransferExists(
                f"another export is being transferred into {gallery}: {open_one.id}", id=str(open_one.id)
            )
        return open_one, False
    _check_room(session, size, max_waiting_bytes)
    caller = current_caller.get()
    job = Transfer(
        gallery=gallery,
        manifest=manifest,
        manifest_sha256=sha256,
        files=len(files),
        size=size,
        state="receiving" if files else "waiting",
        caller_name=caller.name,
        caller_key_id=caller.key_id,
        **options,
    )
    session.add(job)
    session.flush()
    if files:
        rows = [
            {"transfer_id": job.id, "name": file.name, "size": file.size, "sha256": file.sha256}
            for file in files
        ]
        session.execute(insert(TransferFile), rows)
    session.refresh(job)
    details = {"transfer": job.id, "export_sha256": sha256.hex(), "files": len(files), "bytes": size}
    record(
        session,
        AuditEvent(action=Action.TRANSFER_STARTED, gallery=gallery, details=details | options),
    )
    return job, True


def _check_room(session: Session, size: int, limit: float) -> None:
    if size > limit:
        raise UploadTooLarge(
            f"the export has {size} bytes, the limit is {round(limit)} (GEMEL_TRANSFER_WAITING_MB); import it"
            " with `gemel gallery import` on the server",
            measured=size,
            limit=round(limit),
        )
    taking = or_(Transfer.ended_at.is_(None), _has_files())
    taken = session.scalar(select(func.sum(Transfer.size)).where(taking)) or 0
    if taken + size > limit:
        raise Busy(
            "other transfers take the room for uploaded exports (GEMEL_TRANSFER_WAITING_MB); try again when"
            " they have ended, and their files are deleted"
        )


def get(
    session: Session, gallery: str, job_id: UUID, *, lock: bool = False, with_manifest: bool = False
) -> Transfer:
    """Raises TransferNotFound, InvalidRequest (no gallery can have the name)."""
    galleries.check_name(gallery)
    query = select(Transfer).where(Transfer.gallery == gallery, Transfer.id == job_id)
    if with_manifest:
        query = query.options(undefer(Transfer.manifest))
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    job = session.scalar(query)
    if job is None:
        raise TransferNotFound(f"there is no transfer {job_id} into gallery {gallery}", id=str(job_id))
    return job


def newest_first(
    session: Session, gallery: str, *, before: UUID | None = None, at_most: int
) -> Sequence[Transfer]:
    """Raises InvalidRequest: no gallery can have the name."""
    galleries.check_name(gallery)
    query = select(Transfer).where(Transfer.gallery == gallery)
    if before is not None:
        query = query.where(Transfer.id < before)
    return session.scalars(query.order_by(Transfer.id.desc()).limit(at_most)).all()


def cancel(session: Session, gallery: str, job_id: UUID) -> Transfer:
    """Changes nothing if it is cancelled. Raises TransferNotFound, TransferState (it has ended otherwise)."""
    job = get(session, gallery, job_id, lock=True)
    if job.state == "cancelled":
        return job
    if job.ended_at is not None:
        raise TransferState(f"transfer {job_id} is {job.state}", state=job.state)
    end(session, [Transfer.id == job_id], {"state": "cancelled"})
    session.refresh(job)
    details = {"transfer": job_id, "state": "cancelled"}
    record(session, AuditEvent(action=Action.TRANSFER_CHANGED, gallery=gallery, details=details))
    return job


def end(session: Session, which: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> list[UUID]:
    """Those that are open. Returns their ids."""
    ended = session.scalars(
        update(Transfer)
        .where(Transfer.ended_at.is_(None), *which)
        .values(
            {"ended_at": func.clock_timestamp(), "worker": None, "leased_until": None, "step": None} | values
        )
        .returning(Transfer.id)
        .execution_options(synchronize_session=False)
    )
    return list(ended)


def expire(session: Session, ended_for: timedelta) -> None:
    """Those for which nothing arrives have failed; those that ended `ended_for` ago are deleted."""
    end(
        session,
        [Transfer.state == "receiving", Transfer.updated_at < func.now() - IDLE],
        {"state": "failed", "problem": "no file of the export arrived for a day"},
    )
    session.execute(
        delete(Transfer).where(Transfer.ended_at < func.now() - ended_for, ~_has_files()),
        execution_options={"synchronize_session": False},
    )


def ended_with_files(session: Session) -> Transfer | None:
    """One whose files are to be deleted. It is locked."""
    return session.scalar(
        select(Transfer)
        .where(Transfer.ended_at.is_not(None), _has_files())
        .order_by(Transfer.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )


def is_being_imported(session: Session, gallery: str, sha256: bytes) -> bool:
    """Whether an open transfer makes a new gallery of that name from the export with that manifest."""
    open_one = exists().where(
        Transfer.gallery == gallery,
        Transfer.manifest_sha256 == sha256,
        Transfer.ended_at.is_(None),
        ~Transfer.into_existing,
    )
    return bool(session.scalar(select(open_one)))


def drop_files(session: Session, job_id: UUID) -> None:
    """With their bytes."""
    session.execute(delete(TransferFile).where(TransferFile.transfer_id == job_id))


def _has_files() -> ColumnElement[bool]:
    return exists().where(TransferFile.transfer_id == Transfer.id)
