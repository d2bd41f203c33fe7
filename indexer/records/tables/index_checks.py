"""Comparisons of indexes with PostgreSQL."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class IndexCheck(Base, kw_only=True):
    """The last comparison of a gallery's indexes with PostgreSQL, which one process makes."""

    __tablename__ = "index_check"

    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    host: Mapped[str] = mapped_column(Text)
    """Of the process that makes it."""
    pid: Mapped[int] = mapped_column(BigInteger)
    model: Mapped[str] = mapped_column(Text)
    """Fingerprint."""
    started_at: Mapped[datetime] = insertion_time()
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    change_number: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """Up to which both sides were compared. None until it has finished, like what follows."""
    faces: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """In PostgreSQL."""
    equal: Mapped[int | None] = mapped_column(Integer, default=None)
    """Processes whose index is equal."""
    different: Mapped[int | None] = mapped_column(Integer, default=None)
    not_compared: Mapped[int | None] = mapped_column(Integer, default=None)
    """Processes that had reported another change."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it ended without a result."""
