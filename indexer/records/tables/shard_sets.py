"""The shards of large galleries."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import ARRAY, BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time
from indexer.types import Part


class ShardSet(Base, kw_only=True):
    """The shards that hold a gallery's index by one model, and their copies (docs/decisions/0053)."""

    __tablename__ = "shard_set"
    __table_args__ = (
        CheckConstraint("shards > 0", name="shard_set_shards_check"),
        CheckConstraint("copies > 0", name="shard_set_copies_check"),
        CheckConstraint("block > 0", name="shard_set_block_check"),
        CheckConstraint("state IN ('building', 'active', 'retired')", name="shard_set_state_check"),
        CheckConstraint("cardinality(rebuild_numbers) = shards", name="shard_set_rebuild_numbers_check"),
        *(
            Index(
                f"shard_set_{state}_key",
                *("gallery_id", "model"),
                unique=True,
                postgresql_where=text(f"state = '{state}'"),
            )
            for state in ("building", "active")
        ),
        Index("shard_set_gallery_id_idx", "gallery_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    """Part of the names of its actors."""
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    model: Mapped[str] = mapped_column(Text)
    """Fingerprint."""
    shards: Mapped[int]
    copies: Mapped[int]
    """Of each shard."""
    block: Mapped[int] = mapped_column(BigInteger)
    """People of a block (`types.Part`)."""
    state: Mapped[str] = mapped_column(Text, server_default="building", default="building")
    """`building`: beside the index that serves; `active`: it serves; `retired`: it served, and stops."""
    rebuild_numbers: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    """By shard, the last rebuild that was requested of this shard alone; 0 for none. They are counted with
    the gallery's `rebuild_number`."""
    created_at: Mapped[datetime] = insertion_time()
    activated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)

    @property
    def parts(self) -> list[Part]:
        """Of its shards, in order."""
        return Part.every(self.shards, self.block)
