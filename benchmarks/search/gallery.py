"""Copies the gallery of a task into PostgreSQL."""

import numpy as np
from sqlalchemy import text

from benchmarks.search.contenders.binary_copy import copy
from benchmarks.search.task import Task
from indexer.embedding.catalog import sface
from indexer.records import galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database

GALLERY = "bench"


def migrate(url: str) -> None:
    database = Database(url)
    schema.migrate(database)
    database.close()


def fill(url: str, task: Task) -> None:
    """The person at a place of the gallery has that place as external id."""
    database = Database(url)
    card = sface(mirror=True)
    with database.transaction() as session:
        gallery = galleries.create(session, GALLERY)
        session.flush()
        model = models.register(session, card.fingerprint, card.dimension)
        for statement in (
            "INSERT INTO identity (id, gallery_id, external_id) SELECT gen_random_uuid(), :gallery, i"
            " FROM generate_series(0, :count - 1) i",
            "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
            " image_sha256) SELECT row_number() OVER (ORDER BY external_id::bigint), gen_random_uuid(), id,"
            " array_fill(0::real, '{4}'),"
            " array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
            " FROM identity WHERE gallery_id = :gallery",
            "UPDATE gallery SET change_number = :count, change_token = gen_random_uuid(),"
            " face_count = :count, model_id = :model WHERE id = :gallery",
        ):
            session.execute(text(statement), {"gallery": gallery.id, "count": task.n, "model": model})
        keys = np.fromiter(session.scalars(text("SELECT key FROM face ORDER BY key")), ">i8", task.n)
        copy(
            session.connection().connection.cursor(),
            "embedding (face_key, model_id, vector)",
            keys,
            np.full(task.n, model, ">i2"),
            task.gallery.astype("<f4", copy=False).view(f"V{4 * task.gallery.shape[1]}")[:, 0],
        )
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    database.close()
