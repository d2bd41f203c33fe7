"""Jobs that work on one gallery for long: clusterings, searches for duplicates."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import REAL, CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, SmallInteger, Text
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class GalleryJob(Base, kw_only=True):
    """A gallery has one open job of each kind at most."""

    __tablename__ = "gallery_job"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'undone')",
            name="gallery_job_state_check",
        ),
        CheckConstraint(
            "(state IN ('waiting', 'running')) = (ended_at IS NULL)", name="gallery_job_ended_check"
        ),
        Index("gallery_job_gallery_id_idx", "gallery_id", "kind", "id"),
        Index(
            "gallery_job_open_key",
            "gallery_id",
            "kind",
            unique=True,
            postgresql_where=sql("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    """As in `records.gallery_jobs.kinds`."""
    options: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As requested."""
    undo: Mapped[bool] = mapped_column(server_default="false", default=False)
    """What it has done is being undone, or was."""
    state: Mapped[str] = mapped_column(Text, server_default="waiting", default="waiting")
    step: Mapped[str | None] = mapped_column(Text, default=None)
    """What is being done, for people."""
    used_threshold: Mapped[float | None] = mapped_column(REAL, default=None)
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default_factory=dict)
    """What it has found and written so far."""
    result: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, deferred=True)
    """JSON compressed by zlib, such as the groups of a dry run."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it has failed."""
    caller_name: Mapped[str] = mapped_column(Text)
    """Whom the audit record names for what it changes."""
    caller_key_id: Mapped[UUID | None] = mapped_column(default=None)
    undone_by: Mapped[str | None] = mapped_column(Text, default=None)
    """The caller of the undo."""
    undone_by_key_id: Mapped[UUID | None] = mapped_column(default=None)
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker extends its lease before this time; after it any worker may claim the job."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    created_at: Mapped[datetime] = insertion_time()
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """When a worker first began it, or its undo."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
