"""pgvector in the embedded PostgreSQL: its HNSW at several efforts, and its exact scan.

It gets what its manual advises: memory to build in, buffers that hold the index of a million faces, a
statement that is prepared, a connection a client; the clients speak to it through a socket of the machine.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Engine

from benchmarks.search.contender import CORES, Contender
from benchmarks.search.contenders.binary_copy import as_pgvector, copy
from benchmarks.search.task import K, Task
from indexer.records import embedded
from indexer.records.database.session import Database
from indexer.types import Vectors

M = 16
EF_CONSTRUCTION = 64
EF_SEARCH = (40, 100, 200, 400, 1000)
CLIENTS = 2 * CORES
SHARED_BUFFERS = "2GB"
MAINTENANCE_WORK_MEM = "2GB"

_PREPARE = f"PREPARE nearest(vector) AS SELECT place FROM pgvector_face ORDER BY vector <#> $1 LIMIT {K}"
_WARM_UP = 100


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """The URL of a PostgreSQL of its own in `home`, with larger buffers than it begins with."""
    database = Database(embedded.start(home))
    with _cursor(database.engine) as cursor:
        cursor.execute(f"ALTER SYSTEM SET shared_buffers = '{SHARED_BUFFERS}'")
    database.close()
    embedded.stop(home)  # only a start takes the setting up
    try:
        yield embedded.start(home)
    finally:
        embedded.stop(home)


@contextmanager
def contenders(url: str, task: Task) -> Iterator[list[Contender]]:
    """Creates a table and an index of their own, which takes minutes."""
    database = Database(url, pool_size=CLIENTS * (len(EF_SEARCH) + 1))
    with ExitStack() as stack:
        stack.callback(database.close)
        pool = stack.enter_context(ThreadPoolExecutor(CLIENTS))
        with _cursor(database.engine) as cursor:
            exact, hnsw = _build(cursor, task)

        def contender(name: str, facts: dict[str, Any], *settings: str) -> Contender:
            cursors = [stack.enter_context(_cursor(database.engine)) for _ in range(CLIENTS)]
            for cursor in cursors:
                for statement in (*settings, "SET jit = off", _PREPARE):
                    cursor.execute(statement)
            return _contender(name, facts, cursors, pool)

        made = [
            contender(
                "pgvector-hnsw",
                hnsw | {"ef_search": ef},
                f"SET hnsw.ef_search = {ef}",
                "SET enable_seqscan = off",
            )
            for ef in EF_SEARCH
        ]
        made[-1].search(task.probes[-_WARM_UP:])  # reads the index into the buffers
        yield [*made, contender("pgvector-exact", exact, "SET enable_indexscan = off")]


def _build(cursor: Any, task: Task) -> tuple[dict[str, Any], dict[str, Any]]:
    """The facts of the table alone, and of the table with its index."""
    start = time.perf_counter()
    for statement in (
        "CREATE EXTENSION IF NOT EXISTS vector",
        "DROP TABLE IF EXISTS pgvector_face",
        f"CREATE TABLE pgvector_face (place bigint, vector vector({task.gallery.shape[1]}))",
    ):
        cursor.execute(statement)
    places = np.arange(task.n, dtype=">i8")
    for begin in range(0, task.n, 100_000):  # a column for COPY is a copy of the gallery: not of all of it
        block = slice(begin, begin + 100_000)
        copy(cursor, "pgvector_face (place, vector)", places[block], as_pgvector(task.gallery[block]))
    cursor.execute("VACUUM ANALYZE pgvector_face")
    loaded = time.perf_counter()
    for statement in (
        f"SET maintenance_work_mem = '{MAINTENANCE_WORK_MEM}'",
        f"SET max_parallel_maintenance_workers = {CORES}",
        "CREATE INDEX pgvector_face_hnsw ON pgvector_face USING hnsw (vector vector_ip_ops)"
        f" WITH (m = {M}, ef_construction = {EF_CONSTRUCTION})",
    ):
        cursor.execute(statement)
    build_s = time.perf_counter() - loaded
    cursor.execute("SELECT pg_table_size('pgvector_face'), pg_relation_size('pgvector_face_hnsw')")
    table, index = cursor.fetchone()
    exact = {
        "tier": "sequential scan",
        "build_s": round(loaded - start, 3),
        "bytes_per_face": round(table / task.n, 1),
    }
    return exact, {
        "tier": f"hnsw, m {M}, ef_construction {EF_CONSTRUCTION}",
        "build_s": round(build_s, 3),
        "bytes_per_face": round((table + index) / task.n, 1),
        "index_bytes_per_face": round(index / task.n, 1),
    }


def _contender(
    name: str, facts: dict[str, Any], cursors: Sequence[Any], pool: ThreadPoolExecutor
) -> Contender:
    def batch(probes: Vectors) -> list[int]:
        parts = pool.map(_nearest, cursors, np.array_split(probes, len(cursors)))
        return [place for part in parts for place in part]

    return Contender(
        name=name,
        search=lambda probes: _nearest(cursors[0], probes),
        batch=batch,
        places=lambda answer: answer,
        facts={"clients": len(cursors)} | facts,
    )


def _nearest(cursor: Any, probes: Vectors) -> list[int]:
    """The first place of each probe; they are searched for one by one."""
    first = []
    for probe in probes:
        cursor.execute("EXECUTE nearest(%s)", ("[" + ",".join(f"{x:.8g}" for x in probe.tolist()) + "]",))
        first.append(cursor.fetchall()[0][0])
    return first


@contextmanager
def _cursor(engine: Engine) -> Iterator[Any]:
    """A cursor of the driver: the time of SQLAlchemy does not count for pgvector."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection.connection.cursor()
