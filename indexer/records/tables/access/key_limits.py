"""What keys have used of their limits, in all processes.

The tables are UNLOGGED: a change costs no write to the disk. After a crash of PostgreSQL they are empty, and
every key begins with its full quota.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, Double, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base


class TokenBucket(Base, kw_only=True):
    """The token bucket of a key for requests or for faces."""

    __tablename__ = "token_bucket"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key, here and below: rows of keys are never deleted."""
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    tokens: Mapped[float] = mapped_column(Double)
    """At `filled_at`. Negative where a request had more faces than there were tokens."""
    filled_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    granted: Mapped[float] = mapped_column(Double)
    """Tokens of the last request for some, which returns them."""


class RequestSlot(Base, kw_only=True):
    """One of a key's concurrent requests."""

    __tablename__ = "request_slot"
    __table_args__ = ({"prefixes": ["UNLOGGED"]},)

    key_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    """From 1 up to the key's limit."""
    lease: Mapped[UUID | None]
    """Of the request that has the slot. None: it is free."""
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    """After this time the slot is free: its process was killed, or has no connection."""
