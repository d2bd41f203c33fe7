"""Clusterings: jobs that join the anonymous identities of one person (docs/decisions/0033)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    REAL,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class Clustering(Base, kw_only=True):
    """One clustering of a gallery's anonymous faces. A gallery has one open clustering at most."""

    __tablename__ = "clustering"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled')", name="clustering_state_check"
        ),
        CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)",
            name="clustering_ended_check",
        ),
        CheckConstraint("threshold > 0 AND threshold <= 1", name="clustering_threshold_check"),
        Index("clustering_gallery_id_idx", "gallery_id", "id"),
        Index("clustering_open_key", "gallery_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(Text, server_default="waiting", default="waiting")
    step: Mapped[str | None] = mapped_column(Text, default=None)
    """What is being done, for people."""
    dry_run: Mapped[bool]
    """Only says which groups there would be."""
    join_groups: Mapped[bool]
    """Whether groups that exist already may become one."""
    join_named: Mapped[bool]
    """Whether a group that resembles a person with a name joins that person; otherwise it gets a review."""
    threshold: Mapped[float | None] = mapped_column(REAL, default=None)
    """As requested; None: by the gallery's policy at its size."""
    used_threshold: Mapped[float | None] = mapped_column(REAL, default=None)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default_factory=dict)
    """Numbers of faces, groups, joined identities and reviews so far."""
    result: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, deferred=True)
    """Of a dry run: the groups, JSON compressed by zlib."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it has failed."""
    caller_name: Mapped[str] = mapped_column(Text)
    """Whom the audit record names for what the clustering joins."""
    caller_key_id: Mapped[UUID | None] = mapped_column(default=None)
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker renews its lease before this time; after it any worker may claim the clustering."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    created_at: Mapped[datetime] = insertion_time()
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
