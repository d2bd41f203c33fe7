"""Re-index jobs: a gallery's way from one model to another (docs/decisions/0008)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, SmallInteger, Text, text
from sqlalchemy import Identity as GeneratedAlways
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import ARRAY

from indexer.records.tables.base import Base, insertion_time


class Reindex(Base, kw_only=True):
    """A job that takes a gallery from one model to another."""

    __tablename__ = "reindex"
    __table_args__ = (
        CheckConstraint(
            "state IN ('embedding', 'building', 'comparing', 'ready', 'active', 'cleaning', 'cancelling',"
            " 'done', 'cancelled')",
            name="reindex_state_check",
        ),
        CheckConstraint("from_model_id <> to_model_id", name="reindex_models_check"),
        Index(
            "reindex_open_key",
            "gallery_id",
            unique=True,
            postgresql_where=text("state NOT IN ('done', 'cancelled')"),
        ),
        Index("reindex_to_model_idx", "gallery_id", "to_model_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    from_model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    to_model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    state: Mapped[str] = mapped_column(Text, server_default="embedding", init=False)
    paused: Mapped[bool] = mapped_column(server_default="false", init=False)
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why the job stands still until an operator resumes it."""
    gates: Mapped[list[str]] = mapped_column(ARRAY(Text))
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    verified: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    comparison: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), default=None, deferred=True
    )
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    """The worker that carries out a step after the embedding."""
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    created_at: Mapped[datetime] = insertion_time()


class ReindexChunk(Base, kw_only=True):
    """Faces that one worker embeds at a time: those of the gallery from `first_key` to `last_key`."""

    __tablename__ = "reindex_chunk"
    __table_args__ = (
        Index("reindex_chunk_open_idx", "reindex_id", "number", postgresql_where=text("done_at IS NULL")),
    )

    reindex_id: Mapped[UUID] = mapped_column(ForeignKey("reindex.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_key: Mapped[int] = mapped_column(BigInteger)
    last_key: Mapped[int] = mapped_column(BigInteger)
    faces: Mapped[int]
    """Number of faces to embed when the chunk was cut."""
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker renews its lease before this time; after it any worker may claim the chunk."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    embedded: Mapped[int] = mapped_column(server_default="0", default=0)
    skipped: Mapped[int] = mapped_column(server_default="0", default=0)


class ReindexEvent(Base, kw_only=True):
    """What happened to a job, and who forced it."""

    __tablename__ = "reindex_event"
    __table_args__ = (Index("reindex_event_reindex_id_idx", "reindex_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, GeneratedAlways(always=True), primary_key=True, init=False)
    reindex_id: Mapped[UUID] = mapped_column(ForeignKey("reindex.id", ondelete="CASCADE"))
    at: Mapped[datetime] = insertion_time()
    text: Mapped[str] = mapped_column(Text)
