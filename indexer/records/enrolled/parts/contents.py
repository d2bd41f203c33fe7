"""The faces and person templates of one part of a gallery, as a shard holds it.

Each table is read by an index, for the rows of the table before it, whatever PostgreSQL's statistics say: the
`OFFSET 0` keeps the planner from turning a join around into a read of a whole table, which every shard would
repeat (docs/decisions/0040, 0053).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from indexer.records.enrolled import template_vectors
from indexer.records.enrolled.face_rows import STORED_DTYPE
from indexer.records.enrolled.template_vectors import Batch
from indexer.types import Keys, Owners, Part, Vectors

BATCH_ROWS = 10_000

NUMBERS = text("""
SELECT
    (SELECT number FROM identity WHERE gallery_id = :gallery_id ORDER BY number LIMIT 1) AS first,
    (SELECT number FROM identity WHERE gallery_id = :gallery_id ORDER BY number DESC LIMIT 1) AS last
""")
_PEOPLE = """
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint), CAST(:shards AS bigint)) AS of (block)
CROSS JOIN LATERAL (
    SELECT id, number FROM identity
    WHERE gallery_id = :gallery_id AND number >= of.block * :block AND number < (of.block + 1) * :block
    ORDER BY number OFFSET 0
) AS person
CROSS JOIN LATERAL"""
ROWS = text(f"""
SELECT face_of.key, person.number AS owner {_PEOPLE} (
    SELECT key FROM face WHERE identity_id = person.id ORDER BY key OFFSET 0
) AS face_of
UNION ALL
SELECT template_of.key, -person.number {_PEOPLE} (
    SELECT key FROM person_template WHERE identity_id = person.id OFFSET 0
) AS template_of
""")  # noqa: S608
"""Key and owner of each row of the part, in no order. The order by number makes the index
(gallery_id, number) cheaper than those by gallery alone, also where a gallery seems to be empty."""
VECTORS = text("""
SELECT given.key, of_model.face_key AS embedded, of_model.vector
FROM unnest(CAST(:keys AS bigint[])) AS given (key)
LEFT JOIN LATERAL (
    SELECT face_key, vector FROM embedding
    WHERE face_key = given.key AND model_id = (SELECT id FROM model WHERE fingerprint = :fingerprint)
    OFFSET 0
) AS of_model ON true
ORDER BY given.key
""")


class PartBatch(NamedTuple):
    """The next rows by ascending key."""

    rows: Batch | None
    """None where no row has a vector."""
    missing: int
    """Faces without an embedding by the model."""


def read(session: Session, gallery_id: UUID, fingerprint: str, part: Part) -> Iterator[PartBatch]:
    """Everything of the part, keys ascending. Faces that the model could not embed are left out.

    `session` comes from `Database.repeatable_read`. Memory: 32 bytes for each row of the part, and a batch.
    """
    keys, owners = keys_of(session, gallery_id, part)
    for start in range(0, len(keys), BATCH_ROWS):
        chosen = slice(start, start + BATCH_ROWS)
        yield _batch(session, gallery_id, fingerprint, keys[chosen], owners[chosen])


def keys_of(session: Session, gallery_id: UUID, part: Part) -> tuple[Keys, Owners]:
    """Of every row of the part, by ascending key."""
    nothing = np.empty(0, np.int64)
    numbers = session.execute(NUMBERS, {"gallery_id": gallery_id}).one()
    if numbers.first is None:
        return nothing, nothing
    rows = session.execute(
        ROWS,
        blocks(gallery_id, numbers.first, numbers.last, part),
        execution_options={"yield_per": BATCH_ROWS},
    )
    batches = [np.array(batch, np.int64) for batch in rows.partitions()]
    if not batches:
        return nothing, nothing
    keys, owners = np.concatenate(batches).T
    order = np.argsort(keys)
    return keys[order], owners[order]


def vectors_of(session: Session, keys: Keys, fingerprint: str) -> list[bytes | None]:
    """The stored vector of each face, in the order of ascending keys; None for a face without one by the
    model."""
    rows = session.execute(VECTORS, {"keys": keys.tolist(), "fingerprint": fingerprint})
    return [row.vector for row in rows]


def blocks(gallery_id: UUID, least: int, greatest: int, part: Part) -> dict[str, Any]:
    """Arguments of `ROWS`. `least` and `greatest`: of the numbers of the gallery's people."""
    first = least // part.block
    return {
        "gallery_id": gallery_id,
        "first": first + (part.shard - first) % part.shards,
        "last": greatest // part.block,
        "shards": part.shards,
        "block": part.block,
    }


def _batch(session: Session, gallery_id: UUID, fingerprint: str, keys: Keys, owners: Owners) -> PartBatch:
    of_face = owners > 0
    arguments = {"keys": keys[of_face].tolist(), "fingerprint": fingerprint}
    faces = session.execute(VECTORS, arguments).all()
    embedded = np.array([row.vector is not None for row in faces], np.bool_)
    batches: list[Batch] = []
    if embedded.any():
        stored = np.frombuffer(b"".join(row.vector for row in faces if row.vector is not None), STORED_DTYPE)
        vectors: Vectors = stored.reshape(int(embedded.sum()), -1)
        batches.append((keys[of_face][embedded], vectors, owners[of_face][embedded]))
    templates = keys[~of_face].tolist()
    batches += template_vectors.read_embedded(session, gallery_id, templates, fingerprint)
    missing = sum(row.embedded is None for row in faces)
    return PartBatch(rows=_merged(batches) if batches else None, missing=missing)


def _merged(batches: list[Batch]) -> Batch:
    keys, vectors, owners = (np.concatenate(column) for column in zip(*batches, strict=True))
    order = np.argsort(keys)
    return keys[order], vectors[order], owners[order]
