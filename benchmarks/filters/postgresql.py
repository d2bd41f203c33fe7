"""The people of a filter: the first request asks PostgreSQL, later ones only for those who changed."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sqlalchemy import text

from indexer.index.live import LiveIndex
from indexer.index.searcher import FaissSearcher
from indexer.index.tiers import exact_index
from indexer.records import embedded, galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.records.enrolled import identities
from indexer.records.filters.people_filter import PeopleFilter
from indexer.records.tables import Identity
from indexer.replica.selections import SelectionCache
from indexer.types import Tier

_FILL = text("""
INSERT INTO identity (id, gallery_id, external_id, metadata, anonymous)
SELECT
    gen_random_uuid(), CAST(:gallery AS uuid), CASE WHEN i % 100 > 0 THEN CAST(i AS text) END,
    jsonb_build_object(
        'half', i % 2 = 0, 'percent', i % 100, 'one_in_10000', i % 10000, 'site', 'S' || i % 300
    ),
    i % 100 = 0
FROM generate_series(1, :people) AS i
""")
_FILTERS: dict[str, dict[str, Any]] = {
    "100 %, exists": {"metadata": {"half": {"$exists": True}}},
    "50 %, equal": {"metadata": {"half": True}},
    "50 %, range": {"metadata": {"percent": {"$gte": 50}}},
    "1 %, equal": {"metadata": {"percent": 7}},
    "0.01 %, equal": {"metadata": {"one_in_10000": 7}},
    "0.01 %, equal and range": {"metadata": {"one_in_10000": 7, "percent": {"$lt": 50}}},
    "99 %, not anonymous": {"anonymous": "exclude"},
    "5,000 external ids": {"external_ids": [str(number) for number in range(1, 5_001)]},
}


def measure(people: int) -> None:
    nothing = np.empty(0, np.int64)
    index = LiveIndex(FaissSearcher(Tier.EXACT, exact_index(Tier.EXACT, 8), nothing, nothing))
    with TemporaryDirectory() as folder:
        url = embedded.start(Path(folder))
        database = Database(url)
        try:
            schema.migrate(database)
            with database.transaction(long=True) as session:
                gallery_id = galleries.create(session, "bench").id
                session.flush()
                session.execute(_FILL, {"gallery": str(gallery_id), "people": people})
            with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE identity"))
            print("filter                      people      first  unchanged  one changed  ms")
            for name, value in _FILTERS.items():
                _row(database, index, name, value)
        finally:
            database.close()
            embedded.stop(Path(folder))


def _row(database: Database, index: LiveIndex, name: str, value: dict[str, Any]) -> None:
    cache, chosen = SelectionCache(database), PeopleFilter.parse(value)
    assert chosen is not None

    def caught_up() -> tuple[float, int]:
        with database.reading() as session:
            gallery = galleries.get(session, "bench")
        start = time.perf_counter()
        selection, _ = cache.caught_up(gallery, chosen, index)
        return 1e3 * (time.perf_counter() - start), len(selection.people)

    first, people = caught_up()
    unchanged = np.median([caught_up()[0] for _ in range(20)])
    changed = []
    for number in range(10):
        with database.transaction() as session:
            galleries.lock(session, galleries.get(session, "bench").id)
            person = session.query(Identity).filter(Identity.external_id == str(number + 1)).one()
            identities.update(session, person, {"metadata": {"changed": time.time()}})
        changed.append(caught_up()[0])
    print(f"{name:25} {people:>9,} {first:10.1f} {unchanged:10.3f} {np.median(changed):12.2f}", flush=True)
