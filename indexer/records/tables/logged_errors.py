"""The last warnings and errors of all processes."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base


class LoggedErrorRow(Base, kw_only=True):
    """A line of a process's log. It outlives its process, unlike a `Process`."""

    __tablename__ = "logged_error"
    __table_args__ = (
        CheckConstraint("level IN ('warning', 'error')", name="logged_error_level_check"),
        Index("logged_error_at_idx", "at"),
    )

    number: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True, init=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    """By the process's clock."""
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(BigInteger)
    level: Mapped[str] = mapped_column(Text)
    logger: Mapped[str] = mapped_column(Text)
    code: Mapped[str | None] = mapped_column(Text)
    message: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    suppressed: Mapped[int] = mapped_column(Integer)
