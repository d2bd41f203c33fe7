"""The embeddings that a clustering reads: faces of anonymous identities, or of all others."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.tables import Embedding, Face, Identity, Model
from indexer.types import Vectors

_BATCH_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFace:
    id: UUID
    key: int
    identity_id: UUID
    identity_number: int
    """In the order of creation."""
    image_sha256: bytes
    box: list[float]
    """x, y, width, height in the photograph."""


def count(session: Session, gallery_id: UUID) -> tuple[int, int]:
    """How many faces anonymous identities have, and how many identities have names."""
    anonymous = (
        select(func.count())
        .select_from(Face)
        .join(Identity, Identity.id == Face.identity_id)
        .where(Identity.gallery_id == gallery_id, Identity.anonymous)
    )
    people = select(func.count()).select_from(Identity)
    named = people.where(Identity.gallery_id == gallery_id, ~Identity.anonymous)
    return session.scalar(anonymous) or 0, session.scalar(named) or 0


def read(
    session: Session, gallery_id: UUID, fingerprint: str, *, anonymous: bool
) -> Iterator[tuple[list[ReadFace], Vectors]]:
    """In batches: n faces by key, and their embeddings by one model, shape (n, dimension). Faces that the
    model could not embed are left out."""
    rows = session.execute(
        select(
            Face.id,
            Face.key,
            Identity.id,
            Identity.number,
            Face.image_sha256,
            Face.box,
            Embedding.vector,
        )
        .join(Identity, Identity.id == Face.identity_id)
        .join(Embedding, Embedding.face_key == Face.key)
        .join(Model, Model.id == Embedding.model_id)
        .where(
            Identity.gallery_id == gallery_id,
            Identity.anonymous if anonymous else ~Identity.anonymous,
            Model.fingerprint == fingerprint,
            Embedding.vector.is_not(None),
        )
        .order_by(Face.key)
        .execution_options(yield_per=_BATCH_ROWS)
    )
    for part in rows.partitions():
        faces = [
            ReadFace(
                id=row[0],
                key=row[1],
                identity_id=row[2],
                identity_number=row[3],
                image_sha256=bytes(row[4]),
                box=row[5],
            )
            for row in part
        ]
        vectors = np.frombuffer(b"".join(row[6] or b"" for row in part), STORED_DTYPE)
        yield faces, vectors.reshape(len(part), -1)
