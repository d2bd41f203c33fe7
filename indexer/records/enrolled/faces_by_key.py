"""The embeddings and owners of faces, read by the faces' keys."""

from collections.abc import Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select
from sqlalchemy.orm import Session

from indexer.records.enrolled.contents import missing_embeddings
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.enrolled.parts.condition import in_part, part_arguments
from indexer.records.tables import Embedding, Face, Identity, Model
from indexer.types import Part

_MODEL = select(Model.id).where(Model.fingerprint == bindparam("fingerprint")).scalar_subquery()
_EMBEDDING = (Embedding.face_key == Face.key) & (Embedding.model_id == _MODEL)
_OWNER = (
    select(Identity.number)
    .where(Identity.id == Face.identity_id, Identity.gallery_id == bindparam("gallery_id"))
    .scalar_subquery()
)
_FACES = select(
    Face.key,
    select(Embedding.face_key).where(_EMBEDDING).correlate(Face).scalar_subquery().label("embedded"),
    select(Embedding.vector).where(_EMBEDDING).correlate(Face).scalar_subquery().label("vector"),
    _OWNER.label("owner"),
).where(Face.key == any_(bindparam("keys", type_=ARRAY(BigInteger))))
"""Without joins, whose order depends on PostgreSQL's statistics. Where these say that a table
is empty, as they do for a minute after an emptied table was filled again, a join of a thousand faces takes
minutes: it reads each table once for each row of the others (docs/decisions/0040)."""
_FACES_OF_PART = _FACES.where(in_part(_OWNER))
"""The owners are read first: only for the part's faces PostgreSQL reads the vectors."""


def read(
    session: Session, gallery_id: UUID, keys: Sequence[int], fingerprint: str, part: Part | None = None
) -> dict[int, tuple[NDArray[np.float32], int]]:
    """The embedding by one model, (dimension,), and the owner of each of the gallery's faces, by key.
    `part`: only those of this part of the gallery.

    Left out: faces that were deleted, and those that the model could not embed. Raises EmbeddingsMissing.
    """
    if not keys:
        return {}
    arguments = {"gallery_id": gallery_id, "keys": list(keys), "fingerprint": fingerprint}
    if part is None:
        rows = session.execute(_FACES, arguments).all()
    else:
        rows = session.execute(_FACES_OF_PART, arguments | part_arguments(part)).all()
    missing = sum(row.embedded is None for row in rows)
    if missing:
        raise missing_embeddings(missing, fingerprint)
    return {
        row.key: (np.frombuffer(row.vector, STORED_DTYPE), row.owner)
        for row in rows
        if row.vector is not None
    }
