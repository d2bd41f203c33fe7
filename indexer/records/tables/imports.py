"""Imports: people who are enrolled in bulk, file by file (docs/decisions/0029)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Identity as GeneratedAlways
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class ImportJob(Base, kw_only=True):
    """One import into a gallery."""

    __tablename__ = "import_job"
    __table_args__ = (
        CheckConstraint(
            "state IN ('receiving', 'enrolling', 'done', 'cancelled')", name="import_job_state_check"
        ),
        CheckConstraint(
            "(state IN ('done', 'cancelled')) = (ended_at IS NOT NULL)", name="import_job_ended_check"
        ),
        CheckConstraint("people_by IN ('folder', 'file', 'nobody')", name="import_job_people_by_check"),
        CheckConstraint(
            "several_faces IN ('reject', 'subject', 'largest')", name="import_job_several_faces_check"
        ),
        CheckConstraint(
            "attributes <@ ARRAY['liveness', 'expression', 'age', 'gender', 'mask', 'glasses', 'pose',"
            " 'eyes', 'occlusion', 'quality']",
            name="import_job_attributes_check",
        ),
        UniqueConstraint("gallery_id", "key", name="import_job_key_key"),
        Index("import_job_open_idx", "id", postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(Text, server_default="receiving", default="receiving")
    key: Mapped[str | None] = mapped_column(Text, default=None)
    """The client's, with which it may repeat the request that created the import."""
    name: Mapped[str | None] = mapped_column(Text, default=None)
    """For people."""
    people_by: Mapped[str] = mapped_column(Text)
    """Whether a file's folder or the file itself is named after the person; `nobody`: all faces of each file
    become anonymous identities."""
    several_faces: Mapped[str] = mapped_column(Text)
    allow_duplicates: Mapped[bool]
    attributes: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}", default_factory=list)
    """To estimate of the enrolled faces."""
    path: Mapped[str | None] = mapped_column(Text, default=None)
    """Where a server reads the files, below `GEMEL_IMPORT_FOLDER`; None: a client sends them."""
    files_expected: Mapped[int | None] = mapped_column(default=None)
    """As the client announced."""
    problem: Mapped[str | None] = mapped_column(Text, default=None)
    """Why the path cannot be read."""
    waits_for: Mapped[str | None] = mapped_column(Text, default=None)
    """Why the last process that tried cannot enrol the files, such as weights that are missing there."""
    caller_name: Mapped[str] = mapped_column(Text)
    """Whom the audit record names for what the import enrols."""
    caller_key_id: Mapped[UUID | None] = mapped_column(default=None)
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    """The process that reads the path."""
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    created_at: Mapped[datetime] = insertion_time()
    updated_at: Mapped[datetime] = insertion_time()
    """When the last file arrived."""
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)


class ImportFile(Base, kw_only=True):
    """A file of an import, and what became of it."""

    __tablename__ = "import_file"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'enrolled', 'known', 'rejected', 'failed', 'skipped', 'cancelled')",
            name="import_file_state_check",
        ),
        CheckConstraint("octet_length(sha256) = 32", name="import_file_sha256_check"),
        UniqueConstraint("import_id", "name", "sha256", name="import_file_name_key"),
        Index(
            "import_file_waiting_idx",
            "import_id",
            "id",
            postgresql_include=["size"],
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("import_file_state_idx", "import_id", "state", "id"),
        Index("import_file_external_id_idx", "import_id", "external_id"),
        Index("import_file_identity_id_idx", "identity_id", postgresql_where=text("identity_id IS NOT NULL")),
        Index("import_file_worker_idx", "worker", postgresql_where=text("worker IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, GeneratedAlways(always=True), primary_key=True, init=False)
    import_id: Mapped[UUID] = mapped_column(ForeignKey("import_job.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(Text)
    """The path within the import, with `/`."""
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    size: Mapped[int] = mapped_column(BigInteger)
    """Of the file, in bytes."""
    external_id: Mapped[str | None] = mapped_column(Text, default=None)
    """Of the person; None for a skipped file."""
    person_name: Mapped[str | None] = mapped_column(Text, default=None)
    details: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default_factory=dict)
    """The person's metadata."""
    place: Mapped[list[float] | None] = mapped_column(ARRAY(REAL), default=None)
    """Of the face, in pixels: x, y, width and height of a box, or x and y of five landmarks."""
    state: Mapped[str] = mapped_column(Text, server_default="waiting", default="waiting")
    code: Mapped[str | None] = mapped_column(Text, default=None)
    """Why it is not enrolled; stable, for programs."""
    message: Mapped[str | None] = mapped_column(Text, default=None)
    """The same in words."""
    identity_id: Mapped[UUID | None] = mapped_column(default=None)
    """The person, once enrolled. `records.people.erasure` deletes the row with the person."""
    estimates: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True), default=None)
    """Of the enrolled face, the attributes that the import asks for, as they are answered. They go with the
    face, also to another person, with the person and the import."""
    worker: Mapped[str | None] = mapped_column(Text, default=None)
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """The worker renews its lease before this time; after it any worker may claim the file."""
    attempts: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)


class ImportPicture(Base, kw_only=True):
    """The bytes of a file that waits or has failed, or a small picture of a rejected one."""

    __tablename__ = "import_picture"

    file_id: Mapped[int] = mapped_column(
        ForeignKey("import_file.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    data: Mapped[bytes] = mapped_column(LargeBinary)
    is_preview: Mapped[bool] = mapped_column(server_default="false", default=False)
    """Whether `data` is a small JPEG that Gemel made of a rejected picture."""
