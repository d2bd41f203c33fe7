"""API keys."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import ARRAY, CheckConstraint, DateTime, Double, Integer, LargeBinary, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time

_TIME = DateTime(timezone=True)


class ApiKey(Base, kw_only=True):
    """Who may do what with it. Rows are never deleted: the audit record names them."""

    __tablename__ = "api_key"
    __table_args__ = (
        CheckConstraint("octet_length(secret_hash) = 32", name="api_key_secret_hash_check"),
        CheckConstraint("cardinality(roles) > 0", name="api_key_roles_check"),
        CheckConstraint("cardinality(galleries) > 0", name="api_key_galleries_check"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text, unique=True)
    """The public part of the key's text. It stays when the secret is rotated."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the key's text."""
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    """Of the text before the last rotation, valid until `previous_expires_at`."""
    previous_expires_at: Mapped[datetime | None] = mapped_column(_TIME, default=None)
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    galleries: Mapped[list[str] | None] = mapped_column(ARRAY(Text), default=None)
    """Patterns: a name, or a prefix and `*`. None: every gallery."""
    requests_per_second: Mapped[float | None] = mapped_column(Double, default=None)
    faces_per_second: Mapped[float | None] = mapped_column(Double, default=None)
    max_concurrent: Mapped[int | None] = mapped_column(Integer, default=None)
    created_at: Mapped[datetime] = insertion_time()
    expires_at: Mapped[datetime | None] = mapped_column(_TIME, default=None)
    rotated_at: Mapped[datetime | None] = mapped_column(_TIME, default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(_TIME, default=None)
    last_used_at: Mapped[datetime | None] = mapped_column(_TIME, default=None)
    """Up to a minute older than the last use."""


class ApiKeyVersion(Base, kw_only=True):
    """One row, written with every change of a key. Its version names the content of `api_key`."""

    __tablename__ = "api_key_version"
    __table_args__ = (CheckConstraint("id = 1", name="api_key_version_id_check"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, default=1)
    version: Mapped[UUID]
    """Random: a database that was restored from a backup has another version unless it has the same keys."""
