"""Reviews of pairs, pairs of people known to be different, and changes that can be undone."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import REAL, CheckConstraint, DateTime, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class Review(Base, kw_only=True):
    """Two identities of which a person decides whether they are the same.

    The identities are not foreign keys: an identity that was merged into another has no row any more, and
    its review stays, so that the merge can be undone. `records.people.erasure` deletes the rows of a
    deleted identity.
    """

    __tablename__ = "review"
    __table_args__ = (
        CheckConstraint("kind IN ('duplicate', 'doubtful_match')", name="review_kind_check"),
        CheckConstraint("state IN ('open', 'same', 'different')", name="review_state_check"),
        CheckConstraint("identity_id <> other_id", name="review_pair_check"),
        CheckConstraint("(state = 'open') = (decided_at IS NULL)", name="review_decided_check"),
        Index(
            "review_open_key",
            text("least(identity_id, other_id)"),
            text("greatest(identity_id, other_id)"),
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
        Index("review_gallery_id_idx", "gallery_id", "state", "id"),
        Index("review_identity_id_idx", "identity_id"),
        Index("review_other_id_idx", "other_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    identity_id: Mapped[UUID]
    """The one that gave rise to the review: of a duplicate, the one that was enrolled last."""
    other_id: Mapped[UUID]
    score: Mapped[float] = mapped_column(REAL)
    """Of the two, by the gallery's model then."""
    threshold: Mapped[float] = mapped_column(REAL)
    """From which on two people counted as similar then."""
    state: Mapped[str] = mapped_column(Text, server_default="open", default="open")
    created_at: Mapped[datetime] = insertion_time()
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    decided_by: Mapped[str | None] = mapped_column(Text, default=None)
    """The caller's name."""
    change_id: Mapped[UUID | None] = mapped_column(default=None)
    """The merge (`person_change`) by which they became one identity."""


class DistinctPeople(Base, kw_only=True):
    """Two identities that somebody decided to be different people."""

    __tablename__ = "distinct_people"
    __table_args__ = (
        CheckConstraint("lower_id < higher_id", name="distinct_people_pair_check"),
        Index("distinct_people_higher_id_idx", "higher_id"),
    )

    lower_id: Mapped[UUID] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True)
    higher_id: Mapped[UUID] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"), primary_key=True)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = insertion_time()


class PersonChange(Base, kw_only=True):
    """A merge, a split or a move of faces, and what it takes to undo it.

    The audit record holds no names, so they are here, and are deleted with the identity
    (`records.people.erasure`).
    """

    __tablename__ = "person_change"
    __table_args__ = (
        CheckConstraint("kind IN ('merge', 'split', 'move')", name="person_change_kind_check"),
        Index("person_change_identity_id_idx", "identity_id"),
        Index("person_change_other_id_idx", "other_id"),
        Index("person_change_gallery_id_idx", "gallery_id"),
        Index("person_change_job_id_idx", "job_id", "id", postgresql_where=text("job_id IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """That of the audit event."""
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(Text)
    identity_id: Mapped[UUID]
    """The identity that remained of a merge; of a split or move, the one that had the faces before."""
    other_id: Mapped[UUID]
    """The identity that was merged into it; of a split the new one, of a move the one that got the faces."""
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """What the change replaced, as `records.people.person_changes` writes it."""
    created_at: Mapped[datetime] = insertion_time()
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    job_id: Mapped[UUID | None] = mapped_column(default=None)
    """The clustering that made it; None: a person did. No foreign key, since a job is deleted only with its
    gallery, as the change is."""
