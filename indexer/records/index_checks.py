"""Comparisons of indexes with PostgreSQL: one row for each gallery."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from indexer.records.replicas import GONE_AFTER
from indexer.records.tables import Gallery, IndexCheck, Process

State = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStatus:
    row: IndexCheck
    state: State

    @property
    def problem(self) -> str | None:
        lost = self.state == "failed" and self.row.finished_at is None
        return "the process that made the comparison has ended" if lost else self.row.problem


_LIVES = (
    select(Process.id)
    .where(
        Process.host == IndexCheck.host,
        Process.pid == IndexCheck.pid,
        Process.seen_at >= func.now() - GONE_AFTER,
        # Not one that has started since: in a container, every process may have the same number.
        Process.started_at <= IndexCheck.started_at,
    )
    .exists()
)


def begin(session: Session, gallery_id: UUID, *, host: str, pid: int, model: str) -> bool:
    """False if a live process is already comparing."""
    values = {"host": host, "pid": pid, "model": model, "started_at": func.now()}
    statement = insert(IndexCheck).values(gallery_id=gallery_id, **values)
    columns = ("finished_at", "change_number", "faces", "equal", "different", "not_compared", "problem")
    begun = session.execute(
        statement.on_conflict_do_update(
            index_elements=[IndexCheck.gallery_id],
            set_=values | dict.fromkeys(columns),
            where=or_(IndexCheck.finished_at.is_not(None), ~_LIVES),
        ).returning(IndexCheck.gallery_id)
    )
    return begun.one_or_none() is not None


def finish(session: Session, gallery_id: UUID, *, host: str, pid: int, **result: int | str) -> None:
    """Unless another process has begun a new one meanwhile. `result`: columns of the row."""
    session.execute(
        update(IndexCheck)
        .where(IndexCheck.gallery_id == gallery_id, IndexCheck.host == host, IndexCheck.pid == pid)
        .where(IndexCheck.finished_at.is_(None))
        .values(finished_at=func.clock_timestamp(), **result)
    )


def by_gallery(session: Session, gallery_ids: Collection[UUID]) -> dict[UUID, CheckStatus]:
    rows = session.execute(select(IndexCheck, _LIVES).where(IndexCheck.gallery_id.in_(gallery_ids)))
    return {row.gallery_id: CheckStatus(row=row, state=_state(row, lives=lives)) for row, lives in rows}


def list_different(session: Session, *, limit: int) -> list[tuple[str, datetime, int]]:
    """Name of each gallery with an index that was not equal, the time, and in how many processes."""
    rows = session.execute(
        select(Gallery.name, IndexCheck.finished_at, IndexCheck.different)
        .join(Gallery, Gallery.id == IndexCheck.gallery_id)
        .where(and_(IndexCheck.finished_at.is_not(None), IndexCheck.different > 0))
        .order_by(Gallery.name)
        .limit(limit)
    )
    return [(name, at, different) for name, at, different in rows if at is not None and different is not None]


def _state(row: IndexCheck, *, lives: bool) -> State:
    if row.finished_at is None:
        return "running" if lives else "failed"
    return "failed" if row.problem is not None else "done"
