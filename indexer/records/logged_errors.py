"""The last warnings and errors of all processes: a bounded table."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from indexer.recent_errors import Level, LoggedError
from indexer.records.tables import LoggedErrorRow

MAX_ROWS = 1_000
MAX_ROWS_OF_PROCESS = 200
"""A limit for each process, so that one that logs much leaves room for the others."""
MAX_AGE = timedelta(days=7)


def add(session: Session, entries: Sequence[LoggedError], *, host: str, pid: int) -> None:
    """Stores them, and deletes what is too old or too much."""
    session.execute(insert(LoggedErrorRow), [asdict(entry) | {"host": host, "pid": pid} for entry in entries])
    newest = select(LoggedErrorRow.number).order_by(LoggedErrorRow.number.desc()).limit(1)
    own = newest.where(LoggedErrorRow.host == host, LoggedErrorRow.pid == pid)
    session.execute(
        delete(LoggedErrorRow).where(
            or_(
                LoggedErrorRow.number <= newest.offset(MAX_ROWS).scalar_subquery(),
                (LoggedErrorRow.host == host)
                & (LoggedErrorRow.pid == pid)
                & (LoggedErrorRow.number <= own.offset(MAX_ROWS_OF_PROCESS).scalar_subquery()),
                LoggedErrorRow.at < func.now() - MAX_AGE,
            )
        )
    )


def newest(
    session: Session, *, level: Level | None = None, before: int | None = None, limit: int
) -> Sequence[LoggedErrorRow]:
    """The newest first; `before`: only rows with a lower number."""
    found = select(LoggedErrorRow).order_by(LoggedErrorRow.number.desc()).limit(limit)
    if level is not None:
        found = found.where(LoggedErrorRow.level == level)
    if before is not None:
        found = found.where(LoggedErrorRow.number < before)
    return session.scalars(found).all()
