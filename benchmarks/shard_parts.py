"""How much of PostgreSQL a shard reads when it opens: pages and seconds, for one of 2, 4 and 8 shards.

The server is restarted before each reading, so that each page counts once. The last rows repeat one reading
with statistics that say the tables are empty, or that they have a thousand times as many rows: what is read
must not change (docs/decisions/0053).

    python -m benchmarks.shard_parts --faces 240000
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.sharding import gallery as synthetic
from indexer.embedding.catalog import sface
from indexer.records import embedded, galleries
from indexer.records.database.session import Database, Session
from indexer.records.enrolled import contents
from indexer.records.tables import Gallery
from indexer.types import Keys, Owners, Part, Vectors, block_of_people

TABLES = ("identity", "face", "embedding")
_PAGES = text("""
SELECT relname, heap_blks_read, idx_blks_read FROM pg_statio_user_tables WHERE relname = ANY(:tables)
""")
_SIZES = text("""
SELECT relname, (pg_relation_size(oid) / 8192)::int AS pages FROM pg_class WHERE relname = ANY(:tables)
""")
_STATISTICS = text("""
SELECT pg_restore_relation_stats(
    'schemaname', 'public', 'relname', CAST(:table AS text), 'reltuples', CAST(:rows AS real)
)
""")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=int, default=240_000)
    parser.add_argument("--shards", type=int, nargs="+", default=[2, 4, 8])
    parser.add_argument(
        "--home", type=Path, help="of the embedded PostgreSQL; kept. Default: a temporary one"
    )
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shard-parts-") as folder:
        rows = measure(arguments.home or Path(folder), arguments.faces, arguments.shards)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=2))
    print_rows(rows)


def measure(home: Path, faces: int, numbers: list[int]) -> list[dict[str, Any]]:
    home.mkdir(parents=True, exist_ok=True)
    try:
        synthetic.filled(home, embedded.start(home), faces)
        parts = [
            Part(shard=number // 2, shards=number, block=block_of_people(faces, number)) for number in numbers
        ]
        rows = [_reading(home, part) for part in [None, *parts]]
        for name, rows_of_table in (
            ("statistics: 0 rows", 0),
            (f"statistics: {faces} k rows", 1_000 * faces),
        ):
            rows.append(_reading(home, parts[-1], name=name, pretended_rows=rows_of_table))
        return rows
    finally:
        embedded.stop(home)


def _reading(
    home: Path, part: Part | None, *, name: str = "", pretended_rows: int | None = None
) -> dict[str, Any]:
    """`pretended_rows`: of each table, for PostgreSQL's planner."""
    with _cold(home) as database:
        before = _pages(database)
        if pretended_rows is not None:
            _pretend(database, pretended_rows)
    count = 0

    def take(keys: Keys, _vectors: Vectors, _owners: Owners) -> None:
        nonlocal count
        count += len(keys)

    with _cold(home) as database:
        found = _gallery(database)
        start = time.perf_counter()
        with database.transaction(long=True) as session:  # `repeatable_read` would repair the statistics
            contents.read_enrolled(session, found.id, sface(mirror=True).fingerprint, take, part)
        seconds = time.perf_counter() - start
    with _cold(home) as database:  # what a session has counted is there after its end
        after = _pages(database)
        with database.reading() as session:
            found_sizes = session.execute(_SIZES, {"tables": list(TABLES)}).all()
            sizes: dict[str, int] = {row.relname: row.pages for row in found_sizes}
        if pretended_rows is not None:
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("ANALYZE"))
    return {
        "reads": name or ("the gallery" if part is None else f"1 of {part.shards} shards"),
        "shards": 1 if part is None else part.shards,
        "block": None if part is None else part.block,
        "faces": count,
        "seconds": round(seconds, 2),
        "pages": {table: after[table][0] - before[table][0] for table in TABLES},
        "index_pages": {table: after[table][1] - before[table][1] for table in TABLES},
        "table_pages": sizes,
    }


@contextmanager
def _cold(home: Path) -> Iterator[Database]:
    """With a server that has read nothing yet."""
    embedded.stop(home)
    database = Database(embedded.start(home))
    try:
        yield database
    finally:
        database.close()


def _pages(database: Database) -> dict[str, tuple[int, int]]:
    with database.reading() as session:
        rows = session.execute(_PAGES, {"tables": list(TABLES)}).all()
    return {table: (heap, index) for table, heap, index in rows}


def _pretend(database: Database, rows: int) -> None:
    with database.transaction() as session:
        _set_statistics(session, rows)


def _set_statistics(session: Session, rows: int) -> None:
    for table in (*TABLES, "person_template"):
        session.execute(_STATISTICS, {"table": table, "rows": float(rows)})


def _gallery(database: Database) -> Gallery:
    with database.reading() as session:
        return galleries.get(session, synthetic.GALLERY)


def print_rows(rows: list[dict[str, Any]]) -> None:
    figures = ("faces", "seconds", "embedding", "share", "face", "identity", "indexes")
    table = Table("reads", *figures)
    for row in rows:
        pages = row["pages"]
        table.add_row(
            row["reads"],
            f"{row['faces']:,}",
            f"{row['seconds']:.2f}",
            f"{pages['embedding']:,}",
            f"{pages['embedding'] / row['table_pages']['embedding']:.3f}",
            f"{pages['face']:,}",
            f"{pages['identity']:,}",
            f"{sum(row['index_pages'].values()):,}",
        )
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
