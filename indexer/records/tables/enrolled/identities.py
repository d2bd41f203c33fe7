"""People."""

from datetime import datetime
from typing import Any
from uuid import UUID

import uuid_utils.compat
from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy import Identity as GeneratedAlways
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class Identity(Base, kw_only=True):
    """A person in a gallery."""

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("gallery_id", "external_id", name="identity_external_id_key"),
        CheckConstraint("char_length(external_id) BETWEEN 1 AND 255", name="identity_external_id_check"),
        CheckConstraint("char_length(name) BETWEEN 1 AND 255", name="identity_name_check"),
        CheckConstraint("jsonb_typeof(metadata) = 'object'", name="identity_metadata_check"),
        CheckConstraint(
            "NOT anonymous OR (name IS NULL AND external_id IS NULL)", name="identity_anonymous_check"
        ),
        Index("identity_gallery_id_idx", "gallery_id", "id"),
        Index("identity_gallery_id_number_idx", "gallery_id", "number", postgresql_include=["id"]),
        Index("identity_name_words_idx", "name_words", postgresql_using="gin"),
        Index("identity_search_words_idx", "search_words", postgresql_using="gin"),
        Index(
            "identity_metadata_idx",
            "metadata",
            postgresql_using="gin",
            postgresql_ops={"metadata": "jsonb_path_ops"},
        ),
        Index("identity_named_idx", "gallery_id", "id", postgresql_where=text("NOT anonymous")),
        Index("identity_anonymous_idx", "gallery_id", "id", postgresql_where=text("anonymous")),
        Index(
            "identity_visitor_idx",
            *("gallery_id", "last_seen_at", "id"),
            postgresql_where=text("anonymous AND (last_seen_at IS NOT NULL)"),
        ),
        Index("identity_unsearched_idx", "id", postgresql_where=text("search_words IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid_utils.compat.uuid7)
    """For clients."""
    number: Mapped[int] = mapped_column(BigInteger, GeneratedAlways(always=True), unique=True, init=False)
    """For the index, which stores it once per face: half as long as the id."""
    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"))
    external_id: Mapped[str | None] = mapped_column(Text, default=None)
    name: Mapped[str | None] = mapped_column(Text, default=None)
    name_words: Mapped[str] = mapped_column(TSVECTOR, server_default="", default="", deferred=True)
    """The words of `name`, as `records.name_search` writes them."""
    search_words: Mapped[str | None] = mapped_column(TSVECTOR, default=None, deferred=True)
    """Of the name, the external id and the metadata, as `records.enrolled.words.search_words` writes them;
    null until `records.enrolled.words.unsearched` has written them."""
    details: Mapped[dict[str, Any]] = mapped_column(
        "metadata", JSONB, server_default="{}", default_factory=dict
    )
    anonymous: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Nobody has said who this is: a group of faces that resemble each other, or an unknown visitor. A name
    or an external id makes it a person like any other (docs/decisions/0033)."""
    hidden: Mapped[bool] = mapped_column(server_default=text("false"), default=False)
    """Lists of people leave it out by default. Searches find it all the same."""
    last_seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), default=None)
    """Of an unknown visitor: the last search that remembered or matched it. An anonymous identity without is
    no visitor, and is never forgotten."""
    created_at: Mapped[datetime] = insertion_time()
    updated_at: Mapped[datetime] = insertion_time()
