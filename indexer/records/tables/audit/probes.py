"""What is kept of searches beside the audit record, and can be deleted: it never was in the record itself."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import ARRAY

from indexer.records.tables.base import Base, insertion_time


class AuditProbe(Base, kw_only=True):
    """The crop of a face that was identified in a gallery whose policy keeps probes."""

    __tablename__ = "audit_probe"
    __table_args__ = (
        CheckConstraint("array_length(landmarks, 1) = 10", name="audit_probe_landmarks_check"),
        Index("audit_probe_face_id_idx", "face_id"),
        Index("audit_probe_gallery_id_idx", "gallery_id", "created_at"),
    )

    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key: the events are in partitions, which are dropped."""
    face: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    """Number of the face in the event, from 0."""
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    face_id: Mapped[UUID | None] = mapped_column(ForeignKey("face.id", ondelete="CASCADE"))
    """The enrolled face that it was matched with: with this face, and so with the person, the probe is
    deleted. It follows the face to another identity."""
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """JPEG, as of an enrolled face."""
    landmarks: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """x and y of the five points, in the crop's pixels."""
    created_at: Mapped[datetime] = insertion_time()


class Dispute(Base, kw_only=True):
    """Somebody said that a probe does not show the person that it resembled."""

    __tablename__ = "dispute"
    __table_args__ = (
        UniqueConstraint("event_id", "probe", "identity_id", name="dispute_match_key"),
        Index("dispute_gallery_id_idx", "gallery_id"),
        Index("dispute_face_id_idx", "face_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    event_id: Mapped[UUID]
    """Of the search. Not a foreign key, as of a probe."""
    probe: Mapped[int] = mapped_column(SmallInteger)
    """Number of the face in the event, from 0."""
    face_id: Mapped[UUID] = mapped_column(ForeignKey("face.id", ondelete="CASCADE"))
    """The enrolled face that was nearest. The dispute is with whoever owns this face: it follows the face to
    another identity, and ends with it."""
    identity_id: Mapped[UUID]
    """The person whom the face belonged to at the time of the search."""
    score: Mapped[float] = mapped_column(REAL)
    model: Mapped[str] = mapped_column(Text)
    """Fingerprint of the model that gave the score."""
    disputed_by: Mapped[str] = mapped_column(Text)
    """The caller's name."""
    created_at: Mapped[datetime] = insertion_time()
