"""The change log of a gallery: append to it, read its tail, prune it; and read all that is enrolled.

The next number comes from an UPDATE of the gallery's row, which stays locked until the transaction ends.
So numbers have no gaps and become visible in order: a reader that has seen n has seen everything up to n
(docs/decisions/0003). A number is a place in a log; the token beside it identifies the log, because a
restored or promoted database reuses numbers but never tokens (docs/decisions/0011).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import Text, bindparam, cast, delete, func, select, text
from sqlalchemy.orm import Session

from indexer.errors import ChangesPruned, EmbeddingsMissing, GalleryNotFound, LogForked
from indexer.records.face_rows import STORED_DTYPE
from indexer.records.faces import as_vector
from indexer.records.notifications import CHANNEL
from indexer.records.tables import Change as ChangeRow
from indexer.records.tables import Embedding, Face, Gallery, Identity, Model
from indexer.types import Change, ChangeKind, Keys, LogPosition, Owners, Vectors

_BATCH_ROWS = 10_000
_APPEND = text("""
WITH old AS (
    SELECT id, change_token FROM gallery WHERE id = CAST(:gallery_id AS uuid) FOR NO KEY UPDATE
), counted AS (
    UPDATE gallery
    SET change_number = change_number + :count,
        change_token = coalesce(CAST(:token AS uuid), gallery.change_token),
        face_count = face_count + :enrolled
    FROM old
    WHERE gallery.id = old.id
    RETURNING gallery.id, gallery.change_number, old.change_token AS before
), logged AS (
    INSERT INTO change (gallery_id, number, kind, face_key, token, predecessor)
    SELECT
        counted.id, counted.change_number - :count + place, :kind, key, token,
        lag(token, 1, counted.before) OVER (ORDER BY place)
    FROM counted CROSS JOIN unnest(CAST(:keys AS bigint[]), CAST(:tokens AS uuid[]))
        WITH ORDINALITY AS entry (key, token, place)
)
SELECT
    change_number, CASE WHEN :count > 0 THEN CAST(pg_notify(:channel, CAST(id AS text)) AS text) END
FROM counted
""")
"""One statement for any number of faces, because the gallery is locked."""
_EMBEDDED = (
    select(Embedding.face_key, Embedding.vector)
    .join(Model, Model.id == Embedding.model_id)
    .where(Model.fingerprint == bindparam("fingerprint"))
    .subquery()
)
_TAIL = (
    select(
        ChangeRow.number,
        ChangeRow.kind,
        ChangeRow.face_key,
        # As text: psycopg2 would spend most of the time on UUID objects.
        cast(ChangeRow.token, Text).label("token"),
        cast(ChangeRow.predecessor, Text).label("predecessor"),
        Face.key.label("still_enrolled"),
        _EMBEDDED.c.face_key.label("embedded"),
        _EMBEDDED.c.vector,
        Identity.number.label("owner"),
    )
    .outerjoin(Face, Face.key == ChangeRow.face_key)
    .outerjoin(Identity, Identity.id == Face.identity_id)
    .outerjoin(_EMBEDDED, _EMBEDDED.c.face_key == ChangeRow.face_key)
    .where(ChangeRow.gallery_id == bindparam("gallery_id"), ChangeRow.number > bindparam("after"))
    .order_by(ChangeRow.number)
    .limit(_BATCH_ROWS)
)
"""Built once, as its parts take longer to compose than to run."""


def append(session: Session, gallery_id: UUID, kind: ChangeKind, keys: Sequence[int]) -> int:
    """Logs that the faces `keys` were enrolled or deleted. Returns the number of the last change.

    Raises GalleryNotFound.
    """
    tokens = [str(uuid4()) for _ in keys]
    last = session.scalar(
        _APPEND,
        {
            "gallery_id": str(gallery_id),
            "count": len(keys),
            "enrolled": len(keys) if kind is ChangeKind.ENROL else -len(keys),
            "kind": kind.value,
            "keys": list(keys),
            "tokens": tokens,
            "token": tokens[-1] if tokens else None,
            "channel": CHANNEL,
        },
    )
    if last is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    return int(last)


def read_after(session: Session, gallery_id: UUID, position: LogPosition, fingerprint: str) -> list[Change]:
    """The next 10,000 changes after `position`, in order, with one model's embeddings; empty at the end.

    A change has no vector if the model could not embed the face, or if the face was deleted since.
    Raises EmbeddingsMissing if an enrolled face has no embedding of that model, ChangesPruned if the next
    change was pruned, LogForked if `position` belongs to another log, GalleryNotFound.
    """
    rows = session.execute(
        _TAIL, {"gallery_id": gallery_id, "after": position.number, "fingerprint": fingerprint}
    ).all()
    expected = (position.number + 1, str(position.token))
    follows = bool(rows) and (rows[0].number, rows[0].predecessor) == expected
    if not follows:
        check(session, gallery_id, position)
    if any(later.predecessor != earlier.token for earlier, later in pairwise(rows)):
        raise ChangesPruned(f"the log has a gap after change {position.number}", number=position.number)
    missing = sum(row.still_enrolled is not None and row.embedded is None for row in rows)
    if missing:
        raise _missing(missing, fingerprint)
    return [
        Change(
            number=row.number,
            token=UUID(row.token),
            kind=ChangeKind(row.kind),
            key=row.face_key,
            vector=None if row.vector is None else as_vector(row.vector),
            owner=None if row.vector is None else row.owner,
        )
        for row in rows
    ]


def read_enrolled(
    session: Session, gallery_id: UUID, fingerprint: str, on_batch: Callable[[Keys, Vectors, Owners], object]
) -> LogPosition:
    """Reads all enrolled faces, keys ascending. Returns the position of the last change that they include.

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
    for batch in rows.partitions():
        count += len(batch)
        embedded = [(key, vector, owner) for key, vector, owner in batch if vector is not None]
        if embedded:
            vectors = np.frombuffer(b"".join(vector for _, vector, _ in embedded), STORED_DTYPE)
            keys = np.array([key for key, _, _ in embedded], np.int64)
            owners = np.array([owner for _, _, owner in embedded], np.int64)
            on_batch(keys, vectors.reshape(len(keys), -1), owners)
    if count < face_count:
        raise _missing(face_count - count, fingerprint)
    return LogPosition(number=number, token=token)


def check(session: Session, gallery_id: UUID, position: LogPosition) -> None:
    """Checks that `position` belongs to this log, and that the log still has every change after it.

    Raises ChangesPruned, LogForked, GalleryNotFound.
    """
    number, token = position.number, position.token
    row = session.execute(
        select(Gallery.change_number, Gallery.change_token, ChangeRow.predecessor)
        .outerjoin(ChangeRow, (ChangeRow.gallery_id == Gallery.id) & (ChangeRow.number == number + 1))
        .where(Gallery.id == gallery_id)
    ).one_or_none()
    if row is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    if row.change_number < number:
        raise _forked(position, f"the log ends at change {row.change_number}")
    known = row.change_token if row.change_number == number else row.predecessor
    if known is None:
        raise ChangesPruned(f"the changes after {number} were pruned", number=number)
    if known != token:
        raise _forked(position, f"the log has a different change {number}")


def prune(session: Session, gallery_id: UUID, *, older_than: timedelta) -> int:
    """Deletes changes that are older than this; returns their number. Indexes behind them are rebuilt."""
    # Numbers are in the order of commits, times in that of begins: by time alone the log would get gaps.
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


def _forked(position: LogPosition, why: str) -> LogForked:
    return LogForked(
        f"change {position.number} is of another history, {why}: PostgreSQL was restored from a backup, or is"
        " another server",
        number=position.number,
    )


def _missing(count: int, fingerprint: str) -> EmbeddingsMissing:
    return EmbeddingsMissing(
        f"{count} faces of this gallery were enrolled with another model than {fingerprint}",
        faces=count,
        model=fingerprint,
    )
