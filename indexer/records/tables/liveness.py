"""Challenges of liveness."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, DateTime, Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time

_TIME = DateTime(timezone=True)


class LivenessChallenge(Base, kw_only=True):
    """Movements that a burst must show. The row stays for a while after it was used or has expired."""

    __tablename__ = "liveness_challenge"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="liveness_challenge_token_hash_check"),
        Index("liveness_challenge_expires_at_idx", "expires_at"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """SHA-256 of the token."""
    key_id: Mapped[UUID | None]
    """Of the API key. None: the bootstrap key, or none is required."""
    movements: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """In the order that was drawn."""
    created_at: Mapped[datetime] = insertion_time()
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    used_at: Mapped[datetime | None] = mapped_column(_TIME)
