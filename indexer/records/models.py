"""The tables. The schema itself is made by `migrations/`; a test holds the two equal."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Double,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    func,
    or_,
    select,
    text,
)
from sqlalchemy import (
    Identity as GeneratedAlways,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL, TSVECTOR
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, column_property, mapped_column
from sqlalchemy.types import ARRAY

from indexer.types import LOG_START, LogPosition


class Base(MappedAsDataclass, DeclarativeBase):
    pass


def _created_at() -> Any:
    return mapped_column(DateTime(timezone=True), server_default=func.now(), init=False)


class Calibration(Base, kw_only=True):
    """What scores of strangers were measured to mean; never changed, only followed by a newer one."""

    __tablename__ = "calibration"
    __table_args__ = (
        CheckConstraint("source IN ('gallery', 'photographs', 'pairs')", name="calibration_source_check"),
        Index("calibration_in_force_idx", "model_id", "gallery_id", "created_at"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    """Never used twice, not even by a database that was restored: what it names may be kept."""
    gallery_id: Mapped[UUID | None] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    """None: for the model wherever no gallery's own is there."""
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"))
    source: Mapped[str] = mapped_column(Text)
    """What was measured on."""
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    """As `recognition.calibration` writes and reads it."""
    created_at: Mapped[datetime] = _created_at()


class Model(Base, kw_only=True):
    """A model that has made embeddings here."""

    __tablename__ = "model"
    __table_args__ = (CheckConstraint("dimension > 0", name="model_dimension_check"),)

    id: Mapped[int] = mapped_column(SmallInteger, GeneratedAlways(always=True), primary_key=True, init=False)
    fingerprint: Mapped[str] = mapped_column(Text, unique=True)
    dimension: Mapped[int]
    name: Mapped[str | None] = mapped_column(Text, default=None)
    """By which it is opened, as GEMEL_MODEL names it; None where it was made before that was noted."""
    mirror: Mapped[bool | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = _created_at()


class Reindex(Base, kw_only=True):
    """A job that brings a gallery from one model to another (docs/decisions/0008)."""

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
    """Why it stands still until an operator resumes it."""
    gates: Mapped[list[str]] = mapped_column(ARRAY(Text))
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    verified: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    comparison: Mapped[dict[str, Any] | None] = mapped_column(
        JSONB(none_as_null=True), default=None, deferred=True
    )
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    """Who is at the step that follows the embedding."""
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    created_at: Mapped[datetime] = _created_at()


class Gallery(Base, kw_only=True):
    """People who are searched together."""

    __tablename__ = "gallery"
    __table_args__ = (
        CheckConstraint("name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'", name="gallery_name_check"),
        CheckConstraint("change_number >= 0", name="gallery_change_number_check"),
        CheckConstraint("face_count >= 0", name="gallery_face_count_check"),
        CheckConstraint("identify_fpir > 0 AND identify_fpir < 1", name="gallery_identify_fpir_check"),
        CheckConstraint("min_match_face_px >= 0", name="gallery_min_match_face_px_check"),
        CheckConstraint("min_match_sharpness >= 0", name="gallery_min_match_sharpness_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    name: Mapped[str] = mapped_column(Text, unique=True)
    store_crops: Mapped[bool] = mapped_column(default=True)
    change_number: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    """Number of the last change. Taking the next one locks this row until the transaction ends, so
    that changes become visible in the order of their numbers (docs/decisions/0003)."""
    change_token: Mapped[UUID] = mapped_column(server_default=text(f"'{LOG_START.token}'"), init=False)
    """Token of the last change: number and token together tell one log from another (docs/decisions/0011)."""
    last_face_key: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    """The largest key that a face of the gallery was given."""
    face_count: Mapped[int] = mapped_column(BigInteger, server_default="0", init=False)
    model_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"), default=None)
    """Of the model that it is searched with: this row alone decides. None until a face is enrolled."""
    rebuild_number: Mapped[int] = mapped_column("index_epoch", BigInteger, server_default="0", init=False)
    """Raised to have every process make its index anew."""
    index_tier: Mapped[str | None] = mapped_column(Text, default=None)
    """As an operator chose it for this gallery; None leaves it to each process's settings."""
    identify_fpir: Mapped[float | None] = mapped_column(Double, default=None)
    """The policy: share of searches for strangers that may give a false alarm; None: by the settings."""
    min_match_face_px: Mapped[float | None] = mapped_column(Double, default=None)
    """The policy: smaller faces of a photograph are matched to nobody; 0: no limit; None: by the settings."""
    min_match_sharpness: Mapped[float | None] = mapped_column(Double, default=None)
    """Likewise more blurred ones."""
    created_at: Mapped[datetime] = _created_at()
    calibration_id: Mapped[UUID | None] = column_property(
        select(Calibration.id)
        .where(
            Calibration.model_id == model_id,
            or_(Calibration.gallery_id == id, Calibration.gallery_id.is_(None)),  # noqa: A003
        )
        .order_by(Calibration.gallery_id.is_(None), Calibration.created_at.desc())
        .limit(1)
        .correlate_except(Calibration)
        .scalar_subquery(),
        init=False,
    )
    """The one in force with its model: its own, else the model's, the newest. It comes with the row, so that
    a request which reads the row knows at no further cost whether a threshold is still right."""

    model_fingerprint: Mapped[str | None] = column_property(
        select(Model.fingerprint).where(Model.id == model_id).correlate_except(Model).scalar_subquery(),
        init=False,
    )
    """Of the model that it is searched with. Numbers of models are taken again by a database that was
    restored; fingerprints are not."""
    embedded_by: Mapped[UUID | None] = column_property(
        select(Reindex.id)
        .where(Reindex.gallery_id == id, Reindex.to_model_id == model_id)  # noqa: A003
        .order_by(Reindex.created_at.desc())
        .limit(1)
        .correlate_except(Reindex)
        .scalar_subquery(),
        init=False,
    )
    """The last re-index job that went to its model; None where its faces were only enrolled with the model.
    An index that knows of another job has embeddings that were deleted since."""

    @property
    def position(self) -> LogPosition:
        """Where its change log ends."""
        return LogPosition(number=self.change_number, token=self.change_token)


class Identity(Base, kw_only=True):
    """A person in a gallery."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("gallery_id", "external_id", name="identity_external_id_key"),
        CheckConstraint("char_length(external_id) BETWEEN 1 AND 255", name="identity_external_id_check"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 255", name="identity_name_check"),
        CheckConstraint("jsonb_typeof(metadata) = 'object'", name="identity_metadata_check"),
        Index("identity_gallery_id_idx", "gallery_id", "id"),
        Index("identity_name_words_idx", "name_words", postgresql_using="gin"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    """What clients call it."""
    number: Mapped[int] = mapped_column(BigInteger, GeneratedAlways(always=True), unique=True, init=False)
    """What the index calls it: half as long as the id, and there once for each face."""
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    external_id: Mapped[str | None] = mapped_column(Text, default=None)
    name: Mapped[str | None] = mapped_column(Text, default=None)
    name_words: Mapped[str] = mapped_column(TSVECTOR, server_default="", default="", deferred=True)
    """Of `name`, as `records.names` writes them: searches by name go by these."""
    details: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, server_default="{}", default_factory=dict
    )
    created_at: Mapped[datetime] = _created_at()
    updated_at: Mapped[datetime] = _created_at()


class Face(Base, kw_only=True):
    """One enrolled face: where it was in its photograph, how good it is, its crop."""

    __tablename__ = "face"
    __table_args__ = (
        UniqueConstraint("identity_id", "image_sha256", name="face_image_key"),
        Index("face_identity_id_key_idx", "identity_id", "key"),
        CheckConstraint("quality BETWEEN 0 AND 100", name="face_quality_check"),
        CheckConstraint("octet_length(image_sha256) = 32", name="face_image_sha256_check"),
        CheckConstraint("(crop IS NULL) = (crop_landmarks IS NULL)", name="face_crop_check"),
        CheckConstraint("array_length(box, 1) = 4", name="face_box_check"),
        CheckConstraint("array_length(landmarks, 1) = 10", name="face_landmarks_check"),
        CheckConstraint("array_length(crop_landmarks, 1) = 10", name="face_crop_landmarks_check"),
    )

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """What the index calls it; ascends within a gallery, and is never used twice, not even by a database that
    was restored (`faces.add`)."""
    id: Mapped[UUID] = mapped_column(unique=True, default_factory=uuid_utils.compat.uuid7)
    """What clients call it."""
    identity_id: Mapped[UUID] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"))
    box: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """x, y, width, height in the photograph's pixels."""
    landmarks: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    """x and y of the five points, in the photograph's pixels."""
    confidence: Mapped[float] = mapped_column(REAL)
    quality: Mapped[float] = mapped_column(REAL)
    quality_components: Mapped[dict[str, float]] = mapped_column(JSONB)
    image_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    """Of the file as it was sent: the same photograph is not enrolled twice for one person."""
    crop: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, deferred=True)
    """JPEG."""
    crop_landmarks: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), default=None)
    created_at: Mapped[datetime] = _created_at()


class Embedding(Base, kw_only=True):
    """What a model made of a face, or why it could not."""

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


class Change(Base, kw_only=True):
    """The log that an index replays."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("kind IN ('enrol', 'delete')", name="change_kind_check"),
        CheckConstraint("number > 0", name="change_number_check"),
    )

    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    face_key: Mapped[int] = mapped_column(BigInteger)
    """Not a foreign key: the log outlives the face."""
    token: Mapped[UUID]
    """Random: a database that was restored or promoted gives the same number to another change."""
    predecessor: Mapped[UUID]
    """Token of the change before, which may have been pruned since."""
    created_at: Mapped[datetime] = _created_at()


class Process(Base, kw_only=True):
    """A process that serves, as long as it says so."""

    __tablename__ = "process"

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    host: Mapped[str] = mapped_column(Text)
    pid: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = _created_at()
    seen_at: Mapped[datetime] = _created_at()


class Replica(Base, kw_only=True):
    """The index of a gallery in a process, as the process last told."""

    __tablename__ = "replica"
    __table_args__ = (
        CheckConstraint("state IN ('opening', 'ready', 'renewing', 'failed')", name="replica_state_check"),
        Index("replica_gallery_id_idx", "gallery_id"),
    )

    process_id: Mapped[UUID] = mapped_column(ForeignKey("process.id", ondelete="CASCADE"), primary_key=True)
    gallery_id: Mapped[UUID] = mapped_column(primary_key=True)
    """Not a foreign key: a gallery that is deleted meanwhile must not stop the telling."""
    state: Mapped[str] = mapped_column(Text)
    problem: Mapped[str | None] = mapped_column(Text)
    """Why it is not there, or not as it was wanted."""
    model: Mapped[str] = mapped_column(Text, primary_key=True)
    """Fingerprint."""
    tier: Mapped[str | None] = mapped_column(Text)
    snapshot: Mapped[str | None] = mapped_column("generation", Text, key="snapshot")
    """None where it came from PostgreSQL."""
    applied: Mapped[int] = mapped_column(BigInteger)
    token: Mapped[UUID | None]
    """Of the change `applied`."""
    count: Mapped[int] = mapped_column(BigInteger)
    tombstones: Mapped[int] = mapped_column(BigInteger)
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str | None] = mapped_column(Text)


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
    """That were to be embedded when the chunk was cut."""
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker has to say by then that it lives; later anybody may take the chunk."""
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
    at: Mapped[datetime] = _created_at()
    text: Mapped[str] = mapped_column(Text)
