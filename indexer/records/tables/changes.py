"""The change log of a gallery, which every index replays."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base, insertion_time


class Change(Base, kw_only=True):
    """One face, or one person template, was enrolled or deleted; or what filters look at has changed of an
    identity."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("kind IN ('enrol', 'delete', 'update')", name="change_kind_check"),
        CheckConstraint("number > 0", name="change_number_check"),
    )

    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(Text)
    face_key: Mapped[int] = mapped_column(BigInteger)
    """Not a foreign key: the log outlives the face. The key of a template where `is_template`; the number
    of the identity of an update."""
    is_template: Mapped[bool]
    """Whether the key is one of `person_template`. A face of another gallery may have the same number."""
    token: Mapped[UUID]
    """Random: a restored or promoted database gives the same number to another change."""
    predecessor: Mapped[UUID]
    """Token of the change before, which may be pruned by now."""
    created_at: Mapped[datetime] = insertion_time()
