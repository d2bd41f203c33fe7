"""Sign-ins of the console."""

from datetime import datetime
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import CheckConstraint, DateTime, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time

_TIME = DateTime(timezone=True)


class SignIn(Base, kw_only=True):
    """A browser's cookie. The row is deleted when its holder signs out, or after it has expired."""

    __tablename__ = "sign_in"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="sign_in_token_hash_check"),
        CheckConstraint("octet_length(key_binding) = 32", name="sign_in_key_binding_check"),
        Index("sign_in_key_id_idx", "key_id", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    """SHA-256 of the cookie's token."""
    key_id: Mapped[UUID | None]
    """Of the API key. None: the bootstrap key. Not a foreign key: rows of keys are never deleted."""
    key_binding: Mapped[bytes] = mapped_column(LargeBinary)
    """HMAC of the key's hash, with the token as its key: says which text of the key was exchanged, and only
    to the holder of the cookie. The bootstrap key is chosen by people, and its bare hash could be guessed."""
    created_at: Mapped[datetime] = insertion_time()
    last_used_at: Mapped[datetime] = insertion_time()
    """Up to a minute older than the last use."""
    expires_at: Mapped[datetime] = mapped_column(_TIME)
    """However much it is used."""
