"""A gallery in shards on a Ray cluster beside the same gallery in one process, on one computer.

    python -m benchmarks.cluster --faces 100000 1000000 --shards 1 2 4 8 --folder FOLDER --json FILE

Synthetic people in PostgreSQL (`benchmarks.sharding.gallery`), one face each, and probes that lie from their
mates as second photographs do. All nodes run on this computer and share its cores, so that a search in shards
is slower here; `benchmarks.sharding.estimate` works out from the measured parts what is to be expected on
machines that share none, and where it becomes faster. For each number of shards there is a row for each
number of clients. Then a node is killed while the clients go on: `recovery_s` is the time from the kill until
answers come without errors again. `--folder` keeps the filled PostgreSQL and the snapshots for the next run,
so that it can be done in parts; `--json` adds rows to those that the file has.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text

from benchmarks.sharding.figures import Figures
from benchmarks.sharding.gallery import GALLERY, Truth, filled, postgresql_bytes_per_face
from benchmarks.sharding.searches import Clients, Search, searched
from indexer.embedding.catalog import sface
from indexer.records import embedded, galleries, shard_sets
from indexer.records.database.session import Database
from indexer.replica.cache import IndexCache
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap.sharding import open_sharding
from tests.support.home import wait_for
from tests.support.ray_cluster import RayCluster

CARD = sface(mirror=True)
OPENING_SECONDS = 3_600.0
PATIENCE_SECONDS = 10.0
"""More than the default: eight clients that scan ten million faces on two cores wait for each other."""
SETTLED_SECONDS = 5.0
"""Without an error after a kill: then the cluster has recovered."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--faces", type=int, nargs="*", default=[100_000, 1_000_000], help="none: only show the figures"
    )
    parser.add_argument("--shards", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--copies", type=int, default=2, help="of each shard; one shard has one copy")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--tier", default="auto", choices=["auto", "exact", "exact-fp16", "compact"])
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--searches", type=int, default=300, help="at least, of each measurement")
    parser.add_argument("--no-kills", action="store_true", help="kill no node")
    parser.add_argument("--folder", type=Path, required=True, help="is kept; a run needs 1.5 kB a face")
    parser.add_argument("--json", type=Path, help="write the figures here, beside those that it has")
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the figures")
    arguments = parser.parse_args()
    figures = Figures(arguments.json)
    for faces in arguments.faces:
        measure(arguments, faces, figures)
    figures.show()
    if arguments.plot is not None:
        figures.draw(arguments.plot, arguments.tier)


def measure(arguments: argparse.Namespace, faces: int, figures: Figures) -> None:
    """One size of the gallery: in one process, then in shards."""
    folder = arguments.folder / str(faces)
    folder.mkdir(parents=True, exist_ok=True)
    for path in (folder, folder.parent):
        path.chmod(0o755)  # PostgreSQL runs under an account of its own
    url = embedded.start(folder)
    try:
        truth = filled(folder, url, faces)
        same = {"faces": faces, "tier": arguments.tier, "postgresql_bytes": postgresql_bytes_per_face(url)}
        with one_process(arguments, folder, url) as (search, facts):
            for clients in arguments.clients:
                row = same | {"shards": 0, "copies": 0, "clients": clients} | facts
                row |= searched(
                    search, truth, clients=clients, seconds=arguments.seconds, least=arguments.searches
                ).row()
                figures.add(figures.one_process, row, "faces", "tier", "clients")
        for shards in arguments.shards:
            in_shards(arguments, folder, url, truth, shards, same, figures)
    finally:
        embedded.stop(folder)


@contextmanager
def one_process(
    arguments: argparse.Namespace, folder: Path, url: str
) -> Iterator[tuple[Search, dict[str, Any]]]:
    settings = Settings(home=folder / "alone", database_url=url, index_tier=arguments.tier)
    database = Database(url)
    index_store = IndexStore.of(settings, database, CARD)
    cache = IndexCache(database, index_store, patience_seconds=OPENING_SECONDS)
    try:
        began = time.perf_counter()
        with database.reading() as session:
            row = galleries.get(session, GALLERY)
        cache.caught_up(row)
        [report] = cache.reports()
        facts = {
            "opened_s": round(time.perf_counter() - began, 1),
            "searched_as": report.tier,
            "index_bytes": round(report.memory_bytes / max(1, report.count), 1),
        }
        yield search_of(database, cache), facts
    finally:
        cache.close()
        database.close()


def in_shards(
    arguments: argparse.Namespace,
    folder: Path,
    url: str,
    truth: Truth,
    shards: int,
    same: dict[str, Any],
    figures: Figures,
) -> None:
    copies = min(arguments.copies, shards)
    database = Database(url)
    with ExitStack() as stack:
        stack.callback(database.close)
        with database.transaction() as session:
            session.execute(text("DELETE FROM shard_set"))  # of an earlier run, whose nodes are gone
        cluster = stack.enter_context(
            RayCluster(url, folder, nodes=shards, variables={"GEMEL_INDEX_TIER": arguments.tier})
        )
        settings = Settings(
            home=folder,
            database_url=url,
            cluster=cluster.address,
            shards=shards,
            shard_copies=copies,
            shard_faces=1,
            index_tier=arguments.tier,
            index_patience_s=PATIENCE_SECONDS,
        )
        index_store = IndexStore.of(settings, database, CARD)
        sharding = open_sharding(settings, CARD, serving=True)
        assert sharding is not None
        stack.callback(sharding.close)
        cache = IndexCache(
            database,
            index_store,
            patience_seconds=settings.index_patience_s,
            make_index=sharding.make_index,
        )
        stack.callback(cache.close)
        began = time.perf_counter()
        wait_for(lambda: _active(database), OPENING_SECONDS)
        opened = time.perf_counter() - began
        search = search_of(database, cache)
        for clients in arguments.clients:
            result = searched(
                search, truth, clients=clients, seconds=arguments.seconds, least=arguments.searches
            )
            row = same | {"shards": shards, "copies": copies, "clients": clients} | result.row()
            row |= {"opened_s": round(opened, 1), "recovery_s": None}
            row |= memory(cluster, database, same["faces"])
            if not arguments.no_kills and clients == arguments.clients[0]:
                row |= killed(cluster, search, truth, clients)
            figures.add(figures.rows, row, "faces", "tier", "shards", "clients")


def killed(cluster: RayCluster, search: Search, truth: Truth, clients: int) -> dict[str, Any]:
    """What the loss of a node costs: the kill, then until no error comes any more; then it starts again."""
    with Clients(search, truth, clients=clients) as running:
        time.sleep(2)
        number = cluster.numbers[-1]
        cluster.kill(number)
        at = time.monotonic()
        answered = running.result.searches

        def settled() -> bool:
            last = max([at, *running.result.failed_at])
            return running.result.searches > answered and time.monotonic() > last + SETTLED_SECONDS

        if len(cluster.numbers) == 1:  # nobody else can take over
            cluster.start(number)
        wait_for(settled, 600)
        if len(cluster.numbers) > 1:
            cluster.start(number)
    result = running.result
    bad = [moment for moment in result.failed_at if moment >= at]
    first_good = min((end for end in result.ended if end > max([at, *bad])), default=time.monotonic())
    return {
        "recovery_s": round(first_good - at, 2) if bad else round(max(result.seconds), 2),
        "killed_searches": result.searches,
        "killed_errors": sum(result.errors.values()),
        "killed_wrong": result.wrong,
        "killed_most_ms": round(1e3 * max(result.seconds), 1),
    }


def search_of(database: Database, cache: IndexCache) -> Search:
    """As a request does it: the gallery's row is read, and the index brought up to its change."""

    def search(probe: Vectors) -> tuple[int, float]:
        with database.reading() as session:
            row = galleries.get(session, GALLERY)
        [[nearest, *_]] = cache.caught_up(row).search_identities(probe, 5)
        return nearest.key - 1, float(nearest.score)

    return search


def memory(cluster: RayCluster, database: Database, faces: int) -> dict[str, float]:
    """Bytes a face of all shards, one copy of each: in their indexes, and in their processes."""
    with database.reading() as session:
        held, copies, shards = session.execute(
            text(
                "SELECT sum(memory_bytes), count(*), count(DISTINCT shard) FROM replica"
                " WHERE shard IS NOT NULL"
            )
        ).one()
    resident = sum(
        process.memory_info().rss
        for number in cluster.numbers
        for process in cluster.processes(number)
        if process.name().startswith("ray::")
    )
    each = max(1, copies) / max(1, shards)
    return {
        "index_bytes": round(float(held or 0) / each / faces, 1),
        "resident_bytes": round(resident / each / faces, 1),
    }


def _active(database: Database) -> bool:
    with database.reading() as session:
        row = galleries.get(session, GALLERY)
        return shard_sets.active(session, row.id, CARD.fingerprint) is not None


if __name__ == "__main__":
    main()
