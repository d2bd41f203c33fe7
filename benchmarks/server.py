"""A `gemel serve` of its own, on a PostgreSQL that the gallery has been copied into."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
from sqlalchemy import text

from benchmarks.search.contender import resident_bytes
from benchmarks.search.contenders.binary_copy import copy
from benchmarks.search.task import Task
from indexer.embedding.catalog import sface
from indexer.records import galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.types import Tier

GALLERY = "bench"
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    started: float = field(default_factory=time.perf_counter)

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait(self, status: Callable[[HTTPConnection], int]) -> float:
        """Repeats the request until the status is 200; returns seconds since the start. Raises SystemExit."""
        while self.process.poll() is None and time.perf_counter() - self.started < PATIENCE_SECONDS:
            connection = self.connection()
            try:
                last = status(connection)
            except OSError:  # it does not listen yet
                last = 503
            finally:
                connection.close()
            if last == 200:
                return time.perf_counter() - self.started
            if last != 503:
                raise SystemExit(f"the server answers {last}")
            time.sleep(0.05)
        raise SystemExit("the server ended, or was not ready in time")


@contextmanager
def serve(url: str, home: Path, tier: Tier) -> Iterator[Server]:
    """`url`: of its PostgreSQL; `home`: of its snapshots. Not ready yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "GEMEL_DATABASE_URL": url,
        "GEMEL_HOME": str(home),
        "GEMEL_INDEX_TIER": str(tier),
        "GEMEL_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(
        [Path(sys.executable).parent / "gemel", "serve", "--port", str(port)],
        env=os.environ | settings,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Server(process=process, port=port)
    finally:
        process.terminate()
        process.wait()


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


def migrate(url: str) -> None:
    database = Database(url)
    schema.migrate(database)
    database.close()
