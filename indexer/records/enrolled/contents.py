"""Everything of a gallery that an index by one model holds: its faces and person templates."""

from collections.abc import Callable, Iterator
from uuid import UUID

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.errors import EmbeddingsMissing, GalleryNotFound
from indexer.records.enrolled import template_vectors
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.enrolled.parts import contents as part_contents
from indexer.records.enrolled.template_vectors import Batch
from indexer.records.tables import Embedding, Face, Gallery, Identity, Model
from indexer.types import Keys, LogPosition, Owners, Part, Vectors

_BATCH_ROWS = 10_000


def read_enrolled(
    session: Session,
    gallery_id: UUID,
    fingerprint: str,
    on_batch: Callable[[Keys, Vectors, Owners], object],
    part: Part | None = None,
) -> LogPosition:
    """Reads all enrolled faces and templates, keys ascending. Returns the position of the last change that
    they include. `part`: only those of this part of the gallery.

    `on_batch` gets keys (n,), vectors (n, dimension) and owners (n,). Faces that the model could not embed
    are skipped. `session` comes from `Database.repeatable_read`, so that all rows are of one moment.
    Raises GalleryNotFound, EmbeddingsMissing (after the last batch).
    """
    row = session.execute(
        select(Gallery.change_number, Gallery.change_token, Gallery.face_count).where(
            Gallery.id == gallery_id
        )
    ).one_or_none()
    if row is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    number, token, face_count = row
    position = LogPosition(number=number, token=token)
    if part is not None:
        missing = 0
        for of_part in part_contents.read(session, gallery_id, fingerprint, part):
            missing += of_part.missing
            if of_part.rows is not None:
                on_batch(*of_part.rows)
        if missing:
            raise missing_embeddings(missing, fingerprint)
        return position
    templates = _Waiting(template_vectors.read_all(session, gallery_id, fingerprint))
    rows = session.execute(
        select(Face.key, Embedding.vector, Identity.number)
        .join(Identity, Identity.id == Face.identity_id)
        .join(Embedding, Embedding.face_key == Face.key)
        .join(Model, Model.id == Embedding.model_id)
        .where(Identity.gallery_id == gallery_id, Model.fingerprint == fingerprint)
        .order_by(Face.key)
        .execution_options(yield_per=_BATCH_ROWS)
    )
    count = 0
    for some in rows.partitions():
        count += len(some)
        embedded = [(key, vector, owner) for key, vector, owner in some if vector is not None]
        if embedded:
            vectors = np.frombuffer(b"".join(vector for _, vector, _ in embedded), STORED_DTYPE)
            keys = np.array([key for key, _, _ in embedded], np.int64)
            owners = np.array([owner for _, _, owner in embedded], np.int64)
            on_batch(*templates.merged_into(keys, vectors.reshape(len(keys), -1), owners))
    if count < face_count:
        raise missing_embeddings(face_count - count, fingerprint)
    for batch in templates.rest():
        on_batch(*batch)
    return position


def missing_embeddings(count: int, fingerprint: str) -> EmbeddingsMissing:
    return EmbeddingsMissing(
        f"{count} faces of this gallery were enrolled with another model than {fingerprint}",
        faces=count,
        model=fingerprint,
    )


class _Waiting:
    """Templates that wait for the faces with smaller keys."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self._first: Batch | None = next(batches, None)

    def merged_into(self, keys: Keys, vectors: Vectors, owners: Owners) -> Batch:
        """The faces, which are not empty, and the templates with keys below the last face's."""
        parts = [(keys, vectors, owners)]
        while self._first is not None and self._first[0][0] < keys[-1]:
            count = int(np.searchsorted(self._first[0], keys[-1]))
            parts.append((self._first[0][:count], self._first[1][:count], self._first[2][:count]))
            if count == len(self._first[0]):
                self._first = next(self._batches, None)
            else:
                self._first = self._first[0][count:], self._first[1][count:], self._first[2][count:]
        if len(parts) == 1:
            return parts[0]
        order = np.argsort(np.concatenate([part[0] for part in parts]))
        every = [np.concatenate(column)[order] for column in zip(*parts, strict=True)]
        return every[0], every[1], every[2]

    def rest(self) -> Iterator[Batch]:
        if self._first is not None:
            yield self._first
            yield from self._batches
