"""Models that made embeddings in this database, and what their scores mean."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import CheckConstraint, ForeignKey, Index, SmallInteger, Text
from sqlalchemy import Identity as GeneratedAlways
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time
from indexer.types import PersonScore


class Model(Base, kw_only=True):
    """A model that made embeddings in this database."""

    __tablename__ = "model"
    __table_args__ = (CheckConstraint("dimension > 0", name="model_dimension_check"),)

    id: Mapped[int] = mapped_column(SmallInteger, GeneratedAlways(always=True), primary_key=True, init=False)
    fingerprint: Mapped[str] = mapped_column(Text, unique=True)
    dimension: Mapped[int]
    name: Mapped[str | None] = mapped_column(Text, default=None)
    """The name that opens it, as in GEMEL_MODEL. None in rows that are older than this column."""
    mirror: Mapped[bool | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = insertion_time()


class Calibration(Base, kw_only=True):
    """What scores mean, as measured on pairs of different people. Rows are never updated: a newer one
    replaces an older one."""

    __tablename__ = "calibration"
    __table_args__ = (
        CheckConstraint("source IN ('gallery', 'photographs', 'pairs')", name="calibration_source_check"),
        CheckConstraint("person_score IN ('nearest', 'fused')", name="calibration_person_score_check"),
        Index("calibration_in_force_idx", "model_id", "gallery_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    """Never used twice, not even by a restored database: clients may keep the id."""
    gallery_id: Mapped[UUID | None] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    """None: for every gallery that has no calibration of its own."""
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    source: Mapped[str] = mapped_column(Text)
    """What was measured on."""
    person_score: Mapped[str] = mapped_column(Text, server_default="nearest", default=PersonScore.NEAREST)
    """How the faces of a person made one score. A calibration on one face a person is `nearest`, and holds
    for both."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `indexer.calibration` writes and reads them."""
    created_at: Mapped[datetime] = insertion_time()
