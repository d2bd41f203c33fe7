"""Processes that serve, and the state of their indexes."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, CheckConstraint, Dialect, ForeignKey, Index, Text, TypeDecorator
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time
from indexer.types import Part


class Process(Base, kw_only=True):
    """A process that serves or holds a shard, for as long as it sends heartbeats."""

    __tablename__ = "process"

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[str] = mapped_column(Text)
    shard_set_id: Mapped[UUID | None] = mapped_column(default=None)
    """The set of which it holds a shard, and nothing else; None for a process that serves. Not a foreign key:
    a heartbeat does not fail because the set was dropped meanwhile."""
    started_at: Mapped[datetime] = insertion_time()
    seen_at: Mapped[datetime] = insertion_time()
    """Time of the last heartbeat."""


class _ReplicaState(TypeDecorator[str]):
    """`rebuilding` is stored as `renewing`, the word in the table's constraint: it needs no migration."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Dialect) -> str | None:
        return "renewing" if value == "rebuilding" else value

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        return "rebuilding" if value == "renewing" else value


class Replica(Base, kw_only=True):
    """A process's index of a gallery, as the process last reported it."""

    __tablename__ = "replica"
    __table_args__ = (
        CheckConstraint("state IN ('opening', 'ready', 'renewing', 'failed')", name="replica_state_check"),
        CheckConstraint("num_nulls(shard, shards, block) IN (0, 3)", name="replica_part_check"),
        Index("replica_gallery_id_idx", "gallery_id"),
    )

    process_id: Mapped[UUID] = mapped_column(ForeignKey("process.id", ondelete="CASCADE"), primary_key=True)
    gallery_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key: a report does not fail because the gallery was deleted meanwhile."""
    state: Mapped[str] = mapped_column(_ReplicaState)
    problem: Mapped[str | None] = mapped_column(Text)
    """Why there is no index, or none of the target tier."""
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    """Fingerprint."""
    tier: Mapped[str | None] = mapped_column(Text)
    snapshot: Mapped[str | None] = mapped_column("generation", Text, key="snapshot")
    """None where the index was built from PostgreSQL."""
    applied: Mapped[int] = mapped_column(BigInteger)
    """Number of the last change in the index."""
    token: Mapped[UUID | None]
    """Of the change `applied`."""
    count: Mapped[int] = mapped_column(BigInteger)
    tombstones: Mapped[int] = mapped_column(BigInteger)
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str | None] = mapped_column(Text)
    shard: Mapped[int | None]
    """From 0, if it holds only a part of the gallery; None for all of it, as in the two below."""
    shards: Mapped[int | None]
    block: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def part(self) -> Part | None:
        if self.shard is None or self.shards is None or self.block is None:
            return None
        return Part(shard=self.shard, shards=self.shards, block=self.block)
