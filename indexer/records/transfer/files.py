"""The files of transfers, as they wait in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from indexer.errors import TransferState
from indexer.records.tables import Transfer, TransferFile, TransferPart
from indexer.records.transfer import jobs

PART_BYTES = 4_000_000
"""The driver takes several times as much memory to send one."""
_LISTED = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    count: int
    names: Sequence[str]
    """The first of them."""


def missing(session: Session, job_id: UUID) -> Missing:
    """What has not arrived; of a transfer that has ended, nothing is known."""
    where = (TransferFile.transfer_id == job_id, ~TransferFile.received)
    names = session.scalars(
        select(TransferFile.name).where(*where).order_by(TransferFile.name).limit(_LISTED)
    )
    return Missing(
        names=names.all(),
        count=session.scalar(select(func.count()).select_from(TransferFile).where(*where)) or 0,
    )


def find(session: Session, job_id: UUID, name: str) -> TransferFile | None:
    return session.get(TransferFile, (job_id, name))


def add(session: Session, gallery: str, job_id: UUID, name: str, data: bytes) -> bool:
    """Stores a file, whose size and checksum are those of the manifest. Changes nothing where it has arrived
    already. Returns whether the transfer is complete now. Raises TransferNotFound, TransferState."""
    job = jobs.get(session, gallery, job_id, lock=True)
    if job.ended_at is not None:
        raise TransferState(f"transfer {job_id} is {job.state}", state=job.state)
    file = session.get_one(TransferFile, (job_id, name), populate_existing=True)
    if file.received:
        return False
    parts = [
        {"transfer_id": job_id, "name": name, "number": number, "data": data[start : start + PART_BYTES]}
        for number, start in enumerate(range(0, len(data), PART_BYTES))
    ]
    for part in parts:
        session.execute(insert(TransferPart), part)
    file.received = True
    session.flush()
    complete = missing(session, job_id).count == 0
    session.execute(
        update(Transfer)
        .where(Transfer.id == job_id)
        .values(updated_at=func.now(), state="waiting" if complete else "receiving")
        .execution_options(synchronize_session=False)
    )
    return complete


def read(session: Session, job_id: UUID, name: str) -> bytes | None:
    """None where it has not arrived, or the files were deleted."""
    file = find(session, job_id, name)
    if file is None or not file.received:
        return None
    numbers = range(-(-file.size // PART_BYTES))
    return b"".join(
        session.scalars(
            select(TransferPart.data).where(
                TransferPart.transfer_id == job_id, TransferPart.name == name, TransferPart.number == number
            )
        ).one()
        for number in numbers
    )
