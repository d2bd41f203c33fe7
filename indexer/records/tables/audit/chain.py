"""The audit record: a chain of hashed rows, and its head."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Index, LargeBinary, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base

MATCHED = (
    "jsonb_path_query_array(details::jsonb,"
    ' \'$."faces"[*]?(@."matched" == true)."candidates"[0]."identity_id"\'::jsonpath)'
)
"""Of an identification: whom its faces matched, a list. PostgreSQL prints it so."""
SEVERAL = (
    "(action = 'search.identified'::text) AND jsonb_path_exists((details)::jsonb, '$.\"faces\"[1]'::jsonpath)"
)
"""Whether an event is an identification of several faces. `identity_id` is that of the first who matched."""


class AuditRecord(Base, kw_only=True):
    """One event. Rows are only ever appended; whole months are dropped (`records.audit.partitions`)."""

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("audit_event_number_idx", "number", "at", unique=True),
        Index("audit_event_id_idx", "id"),
        Index("audit_event_identity_id_idx", "identity_id", "number"),
        Index(
            "audit_event_matched_idx", text(MATCHED), postgresql_using="gin", postgresql_where=text(SEVERAL)
        ),
        {"postgresql_partition_by": "RANGE (at)"},
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From 1, without a gap."""
    id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    """Never before that of an earlier row, so that a month is a run of numbers."""
    action: Mapped[str] = mapped_column(Text)
    caller: Mapped[str] = mapped_column(Text)
    key_id: Mapped[UUID | None]
    address: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text)
    gallery: Mapped[str | None] = mapped_column(Text)
    """The name it had then."""
    identity_id: Mapped[UUID | None]
    """Without a foreign key: the row outlives the person."""
    details: Mapped[str] = mapped_column(JSON)
    """Stored as the text that was hashed, which `jsonb` would change."""
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)


class AuditHead(Base, kw_only=True):
    """The last row of the chain. Who appends locks it."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="audit_head_one_row_check"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
