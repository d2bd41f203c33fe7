"""The change log of a gallery: append to it, read its tail, prune it.

The next number comes from an UPDATE of the gallery's row, which stays locked until the transaction ends. So
numbers have no gaps and become visible in order: a reader that has seen n has seen all up to n
(docs/decisions/0003). The token beside a number identifies the log: a restored or promoted database reuses
numbers but never tokens (docs/decisions/0011).
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Text, bindparam, cast, delete, func, select, text
from sqlalchemy.orm import Session

from indexer.errors import ChangesPruned, GalleryNotFound, LogForked
from indexer.records.enrolled import faces_by_key, template_vectors
from indexer.records.enrolled.person_templates import NOTHING, Replaced
from indexer.records.notifications import CHANNEL
from indexer.records.tables import Change as ChangeRow
from indexer.records.tables import Gallery
from indexer.types import Change, ChangeKind, LogPosition, Part

_Entry = tuple[ChangeKind, int, bool]
"""Kind, key, and whether it is a template's."""

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
    INSERT INTO change (gallery_id, number, kind, face_key, is_template, token, predecessor)
    SELECT
        counted.id, counted.change_number - :count + place, kind, key, is_template, token,
        lag(token, 1, counted.before) OVER (ORDER BY place)
    FROM counted CROSS JOIN unnest(
        CAST(:kinds AS text[]), CAST(:keys AS bigint[]), CAST(:are_templates AS boolean[]),
        CAST(:tokens AS uuid[])
    ) WITH ORDINALITY AS entry (kind, key, is_template, token, place)
)
SELECT
    change_number, CASE WHEN :count > 0 THEN CAST(pg_notify(:channel, CAST(id AS text)) AS text) END
FROM counted
""")
"""One statement for any number of faces, because the gallery is locked. Templates do not count as faces."""
_TAIL = (
    select(
        ChangeRow.number,
        ChangeRow.kind,
        ChangeRow.face_key,
        ChangeRow.is_template,
        # As text: psycopg2 would spend most of the time on UUID objects.
        cast(ChangeRow.token, Text).label("token"),
        cast(ChangeRow.predecessor, Text).label("predecessor"),
    )
    .where(ChangeRow.gallery_id == bindparam("gallery_id"), ChangeRow.number > bindparam("after"))
    .order_by(ChangeRow.number)
    .limit(_BATCH_ROWS)
)


def append(
    session: Session,
    gallery_id: UUID,
    kind: ChangeKind,
    keys: Sequence[int],
    templates: Replaced = NOTHING,
) -> int:
    """Logs that the faces `keys` were enrolled or deleted, and that `templates` were replaced.

    Returns the number of the last change. Raises GalleryNotFound.
    """
    return append_several(session, gallery_id, kind, [(keys, templates)])[0]


def append_several(
    session: Session, gallery_id: UUID, kind: ChangeKind, several: Sequence[tuple[Sequence[int], Replaced]]
) -> list[int]:
    """As `append`, for several people by one statement: for each the number of the last change.

    `several`: keys of faces, and the templates that were replaced. Keys ascend from person to person. The
    index requires that they ascend in the log too: all faces come before all new templates.
    """
    deleted = [
        (place, (ChangeKind.DELETE, key, True)) for place, (_, t) in enumerate(several) for key in t.deleted
    ]
    logged = [(place, (kind, key, False)) for place, (keys, _) in enumerate(several) for key in keys]
    new = [
        (place, (ChangeKind.ENROL, key, True)) for place, (_, t) in enumerate(several) for key in t.enrolled
    ]
    entries = [*deleted, *logged, *sorted(new, key=lambda one: one[1][1])]
    enrolled = len(logged) if kind is ChangeKind.ENROL else -len(logged)
    last = _append(session, gallery_id, [entry for _, entry in entries], enrolled)
    numbers = [last] * len(several)
    for number, (place, _) in enumerate(entries, last - len(entries) + 1):
        numbers[place] = number
    return numbers


def append_update(session: Session, gallery_id: UUID, identity_number: int) -> int:
    """Logs that something changed which filters of people look at. As `append`."""
    return _append(session, gallery_id, [(ChangeKind.UPDATE, identity_number, False)], 0)


def _append(session: Session, gallery_id: UUID, entries: Sequence[_Entry], enrolled: int) -> int:
    """`enrolled`: faces, negative for deleted ones."""
    tokens = [str(uuid4()) for _ in entries]
    last = session.scalar(
        _APPEND,
        {
            "gallery_id": str(gallery_id),
            "count": len(entries),
            "enrolled": enrolled,
            "kinds": [kind.value for kind, _, _ in entries],
            "keys": [key for _, key, _ in entries],
            "are_templates": [is_template for _, _, is_template in entries],
            "tokens": tokens,
            "token": tokens[-1] if tokens else None,
            "channel": CHANNEL,
        },
    )
    if last is None:
        raise GalleryNotFound("the gallery was deleted meanwhile")
    return int(last)


def read_after(
    session: Session,
    gallery_id: UUID,
    position: LogPosition,
    fingerprint: str,
    part: Part | None = None,
) -> list[Change]:
    """The next 10,000 changes after `position`, in order, with one model's embeddings; empty at the end.

    A change has no vector if the model could not embed the face, if the face or template was deleted since,
    or if it is not in `part`.
    Raises EmbeddingsMissing if an enrolled face has no embedding of that model, ChangesPruned if the next
    change was pruned, LogForked if `position` belongs to another log, GalleryNotFound.
    """
    rows = session.execute(_TAIL, {"gallery_id": gallery_id, "after": position.number}).all()
    expected = (position.number + 1, str(position.token))
    follows = bool(rows) and (rows[0].number, rows[0].predecessor) == expected
    if not follows:
        check(session, gallery_id, position)
    if any(later.predecessor != earlier.token for earlier, later in pairwise(rows)):
        raise ChangesPruned(f"the log has a gap after change {position.number}", number=position.number)
    keys = [row.face_key for row in rows if row.kind == ChangeKind.ENROL and not row.is_template]
    faces = faces_by_key.read(session, gallery_id, keys, fingerprint, part)
    templates = _templates(session, gallery_id, rows, fingerprint, part)
    tail = []
    for row in rows:
        vector, owner = None, None
        if row.kind == ChangeKind.ENROL:
            vector, owner = (templates if row.is_template else faces).get(row.face_key, (None, None))
        tail.append(
            Change(
                number=row.number,
                token=UUID(row.token),
                kind=ChangeKind(row.kind),
                key=row.face_key,
                vector=vector,
                owner=owner,
                is_template=row.is_template,
            )
        )
    return tail


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


def _templates(
    session: Session, gallery_id: UUID, rows: Sequence[Any], fingerprint: str, part: Part | None
) -> dict[int, tuple[NDArray[np.float32], int]]:
    """Vector and owner of each template that `rows` enrol and that still exists, by key.

    A template that was deleted since `rows` were read has none, and a later change says so.
    """
    enrolled = sorted(row.face_key for row in rows if row.is_template and row.kind == ChangeKind.ENROL)
    if not enrolled:
        return {}
    return {
        key: (vector, owner)
        for keys, vectors, owners in template_vectors.read(session, gallery_id, enrolled, fingerprint, part)
        for key, vector, owner in zip(keys.tolist(), vectors, owners.tolist(), strict=True)
    }


def _forked(position: LogPosition, why: str) -> LogForked:
    return LogForked(
        f"change {position.number} is of another history, {why}: PostgreSQL was restored from a backup, or is"
        " another server",
        number=position.number,
    )
