"""A gallery of as many synthetic people as needed, copied into PostgreSQL, and its exact answers.

Ten million faces do not fit into memory three times. So a block of vectors is made, compared with all probes
and written, before the next one is made. The folder is kept: a later run with as many faces uses it again.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from benchmarks import face_vectors
from benchmarks.search.contenders.binary_copy import copy
from indexer.embedding.catalog import sface
from indexer.records import galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database, Session
from indexer.types import Vectors

GALLERY = "bench"
SEED = 0
PROBES = 1_000
TABLES = ("identity", "face", "embedding")


class Truth(NamedTuple):
    """What an exact scan answers first to each probe."""

    probes: Vectors
    """(n, dimension): second photographs of people of the gallery."""
    places: NDArray[np.int64]
    """(n,): of the nearest person, whose external id it is."""
    scores: NDArray[np.float32]


def filled(folder: Path, url: str, faces: int) -> Truth:
    """Fills the database that is empty, or finds what an earlier call has left there. `folder`: for the
    exact answers."""
    file = folder / "truth.npz"
    if file.exists():
        with np.load(file) as stored:
            return Truth(*(stored[name] for name in Truth._fields))
    probes = _probes(faces)
    best, places = np.full(len(probes), -2, np.float32), np.zeros(len(probes), np.int64)
    database = Database(url)
    schema.migrate(database)
    with database.transaction(long=True) as session, _without_indexes(session):
        number, model = _people(session, faces)
        cursor, start = session.connection().connection.cursor(), 0
        for block in face_vectors.gallery_blocks(faces, SEED):
            keys = np.arange(start + 1, start + 1 + len(block)).astype(">i8")
            vectors = block.astype("<f4", copy=False).view(f"V{4 * block.shape[1]}")[:, 0]
            copy(
                cursor,
                "embedding (face_key, model_id, vector)",
                keys,
                np.full(len(block), model, ">i2"),
                vectors,
            )
            found, nearest = faiss.knn(probes, block, 1, metric=faiss.METRIC_INNER_PRODUCT)
            better = found[:, 0] > best
            best[better], places[better] = found[better, 0], nearest[better, 0] + start
            start += len(block)
        session.execute(
            text(
                "UPDATE gallery SET change_number = :count, change_token = gen_random_uuid(),"
                " face_count = :count, model_id = :model WHERE id = :gallery"
            ),
            {"count": faces, "model": model, "gallery": number},
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()
    truth = Truth(probes=probes, places=places, scores=best)
    np.savez(file, **truth._asdict())
    (folder / "gallery.json").write_text(json.dumps({"faces": faces}) + "\n", "utf-8")
    return truth


def _probes(faces: int) -> Vectors:
    """Another photograph each of PROBES people, drawn from all places of the gallery."""
    chosen = np.sort(np.random.default_rng((SEED, faces)).integers(faces, size=PROBES))
    mates, start = [], 0
    for block in face_vectors.gallery_blocks(faces, SEED):
        here = chosen[(chosen >= start) & (chosen < start + len(block))] - start
        mates.append(block[here])
        start += len(block)
    return face_vectors.probes(np.concatenate(mates), SEED)


def _people(session: Session, faces: int) -> tuple[object, int]:
    """The gallery's id and the model's number. The person at a place has the place as external id."""
    card = sface(mirror=True)
    gallery = galleries.create(session, GALLERY)
    session.flush()
    model = models.register(session, card.fingerprint, card.dimension)
    for statement in (
        "INSERT INTO identity (id, gallery_id, external_id, search_words) SELECT gen_random_uuid(), :gallery,"
        " i, '' FROM generate_series(0, :count - 1) i",
        "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
        " image_sha256) SELECT external_id::bigint + 1, gen_random_uuid(), id, array_fill(0::real, '{4}'),"
        " array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
        " FROM identity WHERE gallery_id = :gallery ORDER BY number",
    ):
        session.execute(text(statement), {"gallery": gallery.id, "count": faces})
    return gallery.id, model


@contextmanager
def _without_indexes(session: Session) -> Iterator[None]:
    """Indexes that no constraint needs are made when the rows are there, which takes a fraction of the time.
    Nor are foreign keys checked row by row: the rows are made to fit."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
    indexes = session.execute(
        text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename = ANY(:names)"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ),
        {"names": list(TABLES)},
    ).all()
    for name, _ in indexes:
        session.execute(text(f'DROP INDEX "{name}"'))
    yield
    for _, definition in indexes:
        session.execute(text(definition))


def postgresql_bytes_per_face(url: str) -> float:
    """Of the tables of people, faces and embeddings, with their indexes."""
    database = Database(url)
    with database.reading() as session:
        size, faces = session.execute(
            text(
                "SELECT (SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(:names) name),"
                " (SELECT count(*) FROM face)"
            ),
            {"names": list(TABLES)},
        ).one()
    database.close()
    return round(float(size) / max(1, int(faces)), 1)
