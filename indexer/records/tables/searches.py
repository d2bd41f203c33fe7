"""Counted searches, by which the promised false positive rate is checked."""

from datetime import date
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, Double, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base


class SearchCount(Base, kw_only=True):
    """The searches of a gallery on a day, in all processes. `records.search_counts` explains the columns."""

    __tablename__ = "search_count"

    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    basis: Mapped[str] = mapped_column(Text, primary_key=True)
    """Id of the calibration that the thresholds are from, or the model's fingerprint."""
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    """UTC."""
    searches: Mapped[int] = mapped_column(BigInteger)
    matched: Mapped[int] = mapped_column(BigInteger)
    expected_false_alarms: Mapped[float] = mapped_column(Double)
    duplicates: Mapped[int] = mapped_column(BigInteger)
    matched_searches: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    matched_reached: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    matched_limit: Mapped[float] = mapped_column(Double)
    unmatched_searches: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    unmatched_reached: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    unmatched_limit: Mapped[float] = mapped_column(Double)
