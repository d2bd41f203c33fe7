"""Transfers: exports that are uploaded file by file, and then imported (docs/decisions/0039)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class Transfer(Base, kw_only=True):
    """One upload and import of an export. A gallery has one open transfer at most."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint(
            "state IN ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')",
            name="transfer_state_check",
        ),
        CheckConstraint(
            "(state IN ('done', 'failed', 'cancelled')) = (ended_at IS NOT NULL)", name="transfer_ended_check"
        ),
        CheckConstraint("octet_length(manifest_sha256) = 32", name="transfer_manifest_sha256_check"),
        Index("transfer_gallery_idx", "gallery", "id"),
        Index("transfer_open_key", "gallery", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery: Mapped[str] = mapped_column(Text)
    """Its name: unless it exists, the import creates it."""
    into_existing: Mapped[bool]
    join_people: Mapped[bool]
    """Whether people join those of the existing gallery who have the same external id."""
    model: Mapped[str | None] = mapped_column(Text, default=None)
    """By which the crops are embedded again, as requested."""
    manifest: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """Of the export, as it was sent."""
    manifest_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    files: Mapped[int]
    """How many the manifest names."""
    size: Mapped[int] = mapped_column(BigInteger)
    """Of all of them, in bytes."""
    state: Mapped[str] = mapped_column(Text, server_default="receiving", default="receiving")
    step: Mapped[str | None] = mapped_column(Text, default=None)
    """What is being done, for people."""
    figures: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default_factory=dict)
    """Numbers of faces so far; at the end, what was imported."""
    code: Mapped[str | None] = mapped_column(Text, default=None)
    """Of the error that made it fail."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """The same in words."""
    caller_name: Mapped[str] = mapped_column(Text)
    """Whom the audit record names for the import."""
    caller_key_id: Mapped[UUID | None] = mapped_column(default=None)
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker extends its lease before this time; after it any worker may claim the transfer."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    created_at: Mapped[datetime] = insertion_time()
    updated_at: Mapped[datetime] = insertion_time()
    """When the last file arrived."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)


class TransferFile(Base, kw_only=True):
    """A file of an export, as its manifest says. Deleted when the transfer has ended."""

    __tablename__ = "transfer_file"
    __table_args__ = (
        CheckConstraint("octet_length(sha256) = 32", name="transfer_file_sha256_check"),
        Index("transfer_file_missing_idx", "transfer_id", "name", postgresql_where=text("NOT received")),
    )

    transfer_id: Mapped[UUID] = mapped_column(ForeignKey("transfer.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    received: Mapped[bool] = mapped_column(server_default="false", default=False)


class TransferPart(Base, kw_only=True):
    """Some megabytes of a file that has arrived."""

    __tablename__ = "transfer_part"
    __table_args__ = (
        ForeignKeyConstraint(
            ["transfer_id", "name"],
            ["transfer_file.transfer_id", "transfer_file.name"],
            ondelete="CASCADE",
        ),
    )

    transfer_id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """From 0."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
