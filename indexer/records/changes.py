"""The change log of a gallery: append, read the tail, or take all that is enrolled.

A number is taken by an UPDATE of the gallery's row, which stays locked until the transaction ends.
Numbers therefore have no gaps and become visible in their order: a reader that has seen n has seen
everything up to n (docs/decisions/0003).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID

import numpy as np
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from indexer.errors import ChangesPruned, EmbeddingsMissing, GalleryNotFound
from indexer.records.faces import STORED_DTYPE, as_vector
from indexer.records.models import Change as ChangeRow
from indexer.records.models import Embedding, Face, Gallery, Identity, Model
from indexer.records.notices import announce
from indexer.types import Change, ChangeKind, Keys, Owners, Vectors

_STEP = 10_000


def append(session: Session, gallery_id: UUID, kind: ChangeKind, keys: Sequence[int]) -> int:
    """Logs that the faces `keys` were enrolled or deleted; the number of the last change.

    Raises GalleryNotFound.
    """
    count = len(keys)
    last: int | None = session.scalar(
        update(Gallery)
        .where(Gallery.id == gallery_id)
        .values(
            change_number=Gallery.change_number + count,
            face_count=Gallery.face_count + (count if kind is ChangeKind.ENROL else -count),
        )
        .returning(Gallery.change_number),
        execution_options={"synchronize_session": False},
    )
    if last is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    if keys:
        announce(session, gallery_id)
        session.execute(
            insert(ChangeRow),
            [
                {
                    "gallery_id": gallery_id,
                    "number": last - count + 1 + i,
                    "kind": kind.value,
                    "face_key": key,
                }
                for i, key in enumerate(keys)
            ],
        )
    return last


def after(session: Session, gallery_id: UUID, number: int, fingerprint: str) -> list[Change]:
    """At most 10,000 changes that follow `number`, in order, with one model's embeddings; none at the end.

    A face that the model could not embed comes without a vector, like one that was deleted since.
    Raises EmbeddingsMissing where a face is enrolled, but not with that model; ChangesPruned where the
    next change is no longer kept, GalleryNotFound.
    """
    embedded = (
        select(Embedding.face_key, Embedding.vector)
        .join(Model, Model.id == Embedding.model_id)
        .where(Model.fingerprint == fingerprint)
        .subquery()
    )
    rows = session.execute(
        select(
            ChangeRow.number,
            ChangeRow.kind,
            ChangeRow.face_key,
            Face.key.label("still_enrolled"),
            embedded.c.face_key.label("embedded"),
            embedded.c.vector,
            Identity.number.label("owner"),
        )
        .outerjoin(Face, Face.key == ChangeRow.face_key)
        .outerjoin(Identity, Identity.id == Face.identity_id)
        .outerjoin(embedded, embedded.c.face_key == ChangeRow.face_key)
        .where(ChangeRow.gallery_id == gallery_id, ChangeRow.number > number)
        .order_by(ChangeRow.number)
        .limit(_STEP)
    ).all()
    if not rows or rows[0].number != number + 1:
        _check_end(session, gallery_id, number)
    missing = sum(row.still_enrolled is not None and row.embedded is None for row in rows)
    if missing:
        raise _missing(missing, fingerprint)
    return [
        Change(
            number=row.number,
            kind=ChangeKind(row.kind),
            key=row.face_key,
            vector=None if row.vector is None else as_vector(row.vector),
            owner=None if row.vector is None else row.owner,
        )
        for row in rows
    ]


def feed(
    session: Session, gallery_id: UUID, fingerprint: str, take: Callable[[Keys, Vectors, Owners], object]
) -> int:
    """Hands over all that is enrolled, keys ascending, and returns the number of the last change in it.

    Faces that the model could not embed are passed over.
    `take` gets batches: keys (n,), vectors (n, dimension), owners (n,). Wants a snapshot session, so that
    all of it is of one moment. Raises GalleryNotFound, EmbeddingsMissing (once all was handed over).
    """
    row = session.execute(
        select(Gallery.change_number, Gallery.face_count).where(Gallery.id == gallery_id)
    ).one_or_none()
    if row is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    number, face_count = row
    rows = session.execute(
        select(Face.key, Embedding.vector, Identity.number)
        .join(Identity, Identity.id == Face.identity_id)
        .join(Embedding, Embedding.face_key == Face.key)
        .join(Model, Model.id == Embedding.model_id)
        .where(Identity.gallery_id == gallery_id, Model.fingerprint == fingerprint)
        .order_by(Face.key)
        .execution_options(yield_per=_STEP)
    )
    count = 0
    for batch in rows.partitions():
        count += len(batch)
        embedded = [(key, vector, owner) for key, vector, owner in batch if vector is not None]
        if embedded:
            vectors = np.frombuffer(b"".join(vector for _, vector, _ in embedded), STORED_DTYPE)
            keys = np.array([key for key, _, _ in embedded], np.int64)
            owners = np.array([owner for _, _, owner in embedded], np.int64)
            take(keys, vectors.reshape(len(keys), -1), owners)
    if count < face_count:
        raise _missing(face_count - count, fingerprint)
    return int(number)


def reaches(session: Session, gallery_id: UUID, number: int) -> bool:
    """Whether all that followed `number` is still in the log, for a copy to be brought along from there."""
    last = session.scalar(select(Gallery.change_number).where(Gallery.id == gallery_id))
    following = select(ChangeRow.number).where(
        ChangeRow.gallery_id == gallery_id, ChangeRow.number == number + 1
    )
    return session.scalar(following) is not None or last == number


def prune(session: Session, gallery_id: UUID, *, older_than: timedelta) -> int:
    """Forgets changes that have been there for so long; how many. Copies older than these are made anew."""
    # Numbers follow the commits, and times the beginnings: they may cross, and no gap must be left behind.
    last = (
        select(func.max(ChangeRow.number))
        .where(ChangeRow.gallery_id == gallery_id, ChangeRow.created_at < func.now() - older_than)
        .scalar_subquery()
    )
    pruned = session.execute(
        delete(ChangeRow)
        .where(ChangeRow.gallery_id == gallery_id, ChangeRow.number <= last)
        .returning(ChangeRow.number)
    )
    return len(pruned.all())


def _check_end(session: Session, gallery_id: UUID, number: int) -> None:
    """Raises ChangesPruned, GalleryNotFound."""
    last = session.scalar(select(Gallery.change_number).where(Gallery.id == gallery_id))
    if last is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    if last < number:
        raise ChangesPruned(f"the database ends at change {last}, before {number}", number=number)
    if not reaches(session, gallery_id, number):
        raise ChangesPruned(f"what followed change {number} is no longer kept", number=number)


def _missing(count: int, fingerprint: str) -> EmbeddingsMissing:
    return EmbeddingsMissing(
        f"{count} faces of this gallery were enrolled with another model than {fingerprint}",
        faces=count,
        model=fingerprint,
    )
