"""Enrolled faces and their embeddings."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, REAL
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import ARRAY

from indexer.records.tables.base import Base, insertion_time


class Face(Base, kw_only=True):
    """One enrolled face: where it was in its photograph, its quality, its crop."""

    __tablename__ = "face"
    __table_args__ = (
        UniqueConstraint("identity_id", "image_sha256", name="face_image_key"),
        Index("face_identity_id_key_idx", "identity_id", "key"),
        Index("face_image_sha256_idx", "image_sha256", postgresql_using="hash"),
        CheckConstraint("quality BETWEEN 0 AND 100", name="face_quality_check"),
        CheckConstraint("octet_length(image_sha256) = 32", name="face_image_sha256_check"),
        CheckConstraint("(crop IS NULL) = (crop_landmarks IS NULL)", name="face_crop_check"),
        CheckConstraint("array_length(box, 1) = 4", name="face_box_check"),
        CheckConstraint("array_length(landmarks, 1) = 10", name="face_landmarks_check"),
        CheckConstraint("array_length(crop_landmarks, 1) = 10", name="face_crop_landmarks_check"),
    )

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """For the index. Keys ascend within a gallery, and none is used twice, not even by a restored database
    (`faces.add`)."""
    id: Mapped[UUID] = mapped_column(unique=True, default_factory=uuid_utils.compat.uuid7)
    """For clients."""
    identity_id: Mapped[UUID] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"))
    box: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """x, y, width, height in the photograph's pixels."""
    landmarks: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """x and y of the five points, in the photograph's pixels."""
    confidence: Mapped[float] = mapped_column(REAL)
    quality: Mapped[float] = mapped_column(REAL)
    quality_components: Mapped[dict[str, float]] = mapped_column(JSONB)
    image_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the uploaded file: the same photograph is not enrolled twice for one person."""
    crop: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, deferred=True)
    """JPEG."""
    crop_landmarks: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), default=None)
    audit_id: Mapped[UUID | None] = mapped_column(default=None)
    """Of the event of its enrolment. Not a foreign key: the audit record may be pruned, or not be kept."""
    request_id: Mapped[str | None] = mapped_column(Text, default=None)
    """Of the request that enrolled it; None for a command."""
    created_at: Mapped[datetime] = insertion_time()


class Embedding(Base, kw_only=True):
    """The vector that a model computed for a face, or the reason why there is none."""

    __tablename__ = "embedding"
    __table_args__ = (
        CheckConstraint("octet_length(vector) % 4 = 0", name="embedding_vector_check"),
        CheckConstraint("(vector IS NULL) = (problem IS NOT NULL)", name="embedding_problem_check"),
    )

    face_key: Mapped[int] = mapped_column(ForeignKey("face.key", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), primary_key=True)
    vector: Mapped[bytes | None] = mapped_column(LargeBinary)
    """float32, little-endian, of length 1."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why there is no vector: no search with this model finds the face."""
