"""Person templates: rows of the index that are derived from a person's faces (docs/decisions/0019)."""

from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from indexer.records.tables.base import Base


class PersonTemplate(Base, kw_only=True):
    """The template of a person with two or more faces: the normalised mean of their embeddings.

    The vector is not stored. It is derived when it is read, for any model. A change of the person's faces
    replaces the row by one with a new key, in the same transaction: so a row that exists describes the
    person's present faces.
    """

    __tablename__ = "person_template"
    __table_args__ = (UniqueConstraint("identity_id", name="person_template_identity_id_key"),)

    gallery_id: Mapped[UUID] = mapped_column(ForeignKey("gallery.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Drawn as a face's key is, from the same series of the gallery (`face_rows`)."""
    identity_id: Mapped[UUID] = mapped_column(ForeignKey("identity.id", ondelete="CASCADE"))
