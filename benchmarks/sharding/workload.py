"""A process that searches in shards while its people come, move and go.

`benchmarks.cluster_faults` runs it on a machine of its own, with a Ray node beside it:

    python -m benchmarks.sharding.workload URL HOME ADDRESS FOLDER

It appends a line of JSON to FOLDER/notes for each search and each attempt at a change. On SIGTERM it ends its
workers, compares everything with its model once more, and writes FOLDER/result.
"""

import argparse
import json
import logging
import signal
import threading
from collections import Counter
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from indexer.errors import GemelError
from indexer.records import galleries
from tests.support.faults.node import GALLERY, Node
from tests.support.faults.plain_model import Note, Worker, differences
from tests.support.home import wait_for

WORKERS = 3
PATIENCE_SECONDS = 2.0
"""The default of `GEMEL_INDEX_PATIENCE_S`."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url")
    parser.add_argument("home", type=Path)
    parser.add_argument("address")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--copies", type=int, default=2)
    parser.add_argument("--people", type=int, default=200, help="who are enrolled before")
    arguments = parser.parse_args()
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    node = Node(
        arguments.url,
        arguments.home,
        patience_seconds=PATIENCE_SECONDS,
        sharded={
            "cluster": arguments.address,
            "shards": arguments.shards,
            "shard_copies": arguments.copies,
            "shard_faces": 1,
        },
    )
    try:
        (arguments.folder / "result").write_text(json.dumps(work(node, arguments, ending)), "utf-8")
    finally:
        node.close()


def work(node: Node, arguments: argparse.Namespace, ending: threading.Event) -> dict[str, Any]:
    with node.database.transaction() as session:
        galleries.create(session, GALLERY)
    for person in range(arguments.people):
        node.enrol(person)
    with (arguments.folder / "notes").open("a", buffering=1) as file, ExitStack() as stack:

        def note(one: Note) -> None:
            file.write(json.dumps(asdict(one)) + "\n")

        workers = [
            stack.enter_context(Worker(node, number, note=note, pause=0.1)) for number in range(WORKERS)
        ]
        while not ending.wait(1):
            for worker in workers:
                _ = worker.people  # raises what has ended it
    wait_for(lambda: _answers(node), 300)
    last: list[Note] = []
    owners = {photograph: owner for worker in workers for photograph, owner in worker.owners.items()}
    for worker in workers:
        worker.look_at_all(last.append)
    row = node.gallery()
    index, verified = node.index_cache.caught_up(row), node.verify()
    found = [node.finds(person) for person in range(arguments.people)]
    return {
        "people": sum(worker.people for worker in workers),
        "lost": differences(node.database, owners),
        "last_look": Counter(one.outcome.split(":")[0] for one in last),
        "lost_before": found.count(False),
        "digests_equal": index.digest == verified.digest,
        "faces": index.faces,
        "counts": asdict(node.sharding.counts) if node.sharding is not None else {},
    }


def _answers(node: Node) -> bool:
    try:
        return node.finds(0)
    except GemelError:
        return False


if __name__ == "__main__":
    main()
