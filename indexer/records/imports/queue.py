"""The queue of waiting files: a worker claims some, and records the results.

A claim is a lease. What a worker records, it records only of files that it still holds, so that of two
workers that both believe to hold a file only one succeeds.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from indexer.errors import LeaseLost
from indexer.records.tables import ImportFile, ImportJob, ImportPicture

LEASE = timedelta(seconds=60)
"""A worker renews its leases more often than this; after it, another worker may claim the files."""
MAX_ATTEMPTS = 3
"""A file whose worker was killed so often has failed: it may be what kills workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a file."""

    state: str
    code: str | None = None
    message: str | None = None
    identity_id: UUID | None = None
    estimates: Mapping[str, Any] | None = None
    """Of the enrolled face, as they are answered."""


def claim(
    session: Session, import_id: UUID, worker: str, *, at_most: int, max_bytes: int
) -> Sequence[ImportFile]:
    """Leases the next files of an open import to the worker, the first to arrive first.

    Together they have at most `max_bytes`, or are one. A file that was claimed before is claimed alone: it
    may be what killed that worker.
    """
    free = session.execute(
        select(ImportFile.id, ImportFile.size, ImportFile.attempts)
        .join(ImportJob, ImportJob.id == ImportFile.import_id)
        .where(
            ImportFile.import_id == import_id,
            ImportFile.state == "waiting",
            ImportFile.attempts < MAX_ATTEMPTS,
            ImportJob.ended_at.is_(None),
            or_(ImportFile.leased_until.is_(None), ImportFile.leased_until < func.now()),
        )
        .order_by(ImportFile.id)
        .limit(at_most)
        .with_for_update(of=ImportFile, skip_locked=True)
    ).all()
    ids: list[int] = []
    total = 0
    for file_id, size, attempts in free:
        if ids and (attempts or total + size > max_bytes):
            break
        ids.append(file_id)
        total += size
        if attempts:
            break
    if not ids:
        return []
    claimed = session.scalars(
        update(ImportFile)
        .where(ImportFile.id.in_(ids))
        .values(worker=worker, leased_until=func.clock_timestamp() + LEASE, attempts=ImportFile.attempts + 1)
        .returning(ImportFile)
        .execution_options(synchronize_session=False)
    ).all()
    return sorted(claimed, key=lambda file: file.id)


def pictures(session: Session, file_ids: Collection[int]) -> dict[int, bytes]:
    """By file, without those whose import was cancelled or deleted meanwhile."""
    rows = session.execute(
        select(ImportPicture.file_id, ImportPicture.data).where(ImportPicture.file_id.in_(file_ids))
    )
    return {file_id: bytes(data) for file_id, data in rows}


_RECORD = text("""
UPDATE import_file
SET state = verdict.state, code = verdict.code, message = verdict.message,
    identity_id = CAST(verdict.identity_id AS uuid), estimates = CAST(verdict.estimates AS jsonb),
    worker = NULL, leased_until = NULL,
    done_at = clock_timestamp()
FROM unnest(
    CAST(:ids AS bigint[]), CAST(:states AS text[]), CAST(:codes AS text[]), CAST(:messages AS text[]),
    CAST(:identity_ids AS text[]), CAST(:estimates AS text[])
) AS verdict (id, state, code, message, identity_id, estimates)
WHERE import_file.id = verdict.id AND import_file.worker = :worker AND import_file.state = 'waiting'
RETURNING import_file.id
""")


def record(session: Session, worker: str, verdicts: Mapping[int, Verdict]) -> None:
    """Ends the files' wait, by one statement: it may be under a gallery's lock. The bytes stay until
    `drop_bytes`, those of rejected files until `keep_preview`.

    Raises LeaseLost if the worker no longer holds one of them, or its import was cancelled.
    """
    found = verdicts.values()
    values = {
        "ids": list(verdicts),
        "states": [verdict.state for verdict in found],
        "codes": [verdict.code for verdict in found],
        "messages": [verdict.message for verdict in found],
        "identity_ids": [verdict.identity_id and str(verdict.identity_id) for verdict in found],
        "estimates": [json.dumps(verdict.estimates) if verdict.estimates else None for verdict in found],
        "worker": worker,
    }
    recorded = len(session.execute(_RECORD, values).all())
    if recorded != len(verdicts):
        raise LeaseLost(f"{len(verdicts) - recorded} files are no longer this worker's")


_NEEDED = ("waiting", "failed", "rejected")
"""States of files whose bytes are kept: for an attempt, or for the small picture."""


def drop_bytes(session: Session, file_ids: Collection[int] | None = None) -> None:
    """Of those files that need them no longer; by default of all files."""
    done = select(ImportFile.id).where(
        ImportFile.id == ImportPicture.file_id, ImportFile.state.not_in(_NEEDED)
    )
    statement = delete(ImportPicture).where(done.exists())
    if file_ids is not None:
        statement = statement.where(ImportPicture.file_id.in_(file_ids))
    session.execute(statement.execution_options(synchronize_session=False))


def keep_preview(session: Session, file_id: int, jpeg: bytes | None) -> None:
    """Replaces the bytes of a rejected file by a small picture; None deletes them."""
    if jpeg is None:
        session.execute(delete(ImportPicture).where(ImportPicture.file_id == file_id))
    else:
        session.execute(
            update(ImportPicture)
            .where(ImportPicture.file_id == file_id)
            .values(data=jpeg, is_preview=True)
            .execution_options(synchronize_session=False)
        )


def without_preview(session: Session, *, at_most: int) -> Sequence[tuple[int, str]]:
    """Ids and codes of rejected files whose bytes are still there: their worker was killed."""
    rows = session.execute(
        select(ImportFile.id, ImportFile.code)
        .join(ImportPicture, ImportPicture.file_id == ImportFile.id)
        .where(ImportFile.state == "rejected", ~ImportPicture.is_preview)
        .order_by(ImportFile.id)
        .limit(at_most)
    )
    return [(file_id, code or "") for file_id, code in rows]


def fail_exhausted(session: Session, import_id: UUID) -> None:
    """Files that were claimed too often, and so are claimed no more, have failed."""
    session.execute(
        update(ImportFile)
        .where(
            ImportFile.import_id == import_id,
            ImportFile.state == "waiting",
            ImportFile.attempts >= MAX_ATTEMPTS,
            or_(ImportFile.leased_until.is_(None), ImportFile.leased_until < func.now()),
        )
        .values(
            state="failed",
            code="worker_failed",
            message=f"the server failed {MAX_ATTEMPTS} times at this file; its log says why",
            worker=None,
            leased_until=None,
            done_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )


def release(
    session: Session, worker: str, file_ids: Collection[int] | None = None, *, tried: bool = False
) -> None:
    """Gives back files, by default all that the worker holds. `tried`: it counts as an attempt."""
    statement = update(ImportFile).where(ImportFile.worker == worker, ImportFile.state == "waiting")
    if file_ids is not None:
        statement = statement.where(ImportFile.id.in_(file_ids))
    session.execute(
        statement.values(
            worker=None,
            leased_until=None,
            attempts=ImportFile.attempts if tried else func.greatest(ImportFile.attempts - 1, 0),
        ).execution_options(synchronize_session=False)
    )


def renew_leases(session: Session, worker: str) -> None:
    session.execute(
        update(ImportFile)
        .where(ImportFile.worker == worker, ImportFile.state == "waiting")
        .values(leased_until=func.now() + LEASE)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(ImportJob)
        .where(ImportJob.worker == worker, ImportJob.state == "receiving")
        .values(leased_until=func.now() + LEASE)
        .execution_options(synchronize_session=False)
    )


def claim_path(session: Session, worker: str) -> ImportJob | None:
    """Leases to the worker an import whose path is to be read."""
    free = (
        select(ImportJob.id)
        .where(
            ImportJob.state == "receiving",
            ImportJob.path.is_not(None),
            ImportJob.problem.is_(None),
            or_(ImportJob.leased_until.is_(None), ImportJob.leased_until < func.now()),
        )
        .order_by(ImportJob.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return session.scalar(
        update(ImportJob)
        .where(ImportJob.id == free)
        .values(worker=worker, leased_until=func.clock_timestamp() + LEASE)
        .returning(ImportJob)
        .execution_options(synchronize_session=False)
    )


def release_paths(session: Session, worker: str) -> None:
    session.execute(
        update(ImportJob)
        .where(ImportJob.worker == worker)
        .values(worker=None, leased_until=None)
        .execution_options(synchronize_session=False)
    )
