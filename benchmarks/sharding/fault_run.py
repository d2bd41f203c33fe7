"""The machines of `benchmarks.cluster_faults`, the faults, and what the workload has noted of them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machines.machine import Machine
from benchmarks.machines.network import Network
from benchmarks.machines.ray import RayMachines
from indexer.records import shard_sets
from indexer.records.database.session import Database
from tests.support.home import wait_for

NODES, SHARDS, COPIES = 4, 3, 2
START_SECONDS = 300.0
SETTLED_SECONDS = 8.0
"""Without an error: then a fault is over."""
GIVE_UP_SECONDS = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    begin: Callable[[], object]
    end: Callable[[], object]
    seconds: float
    """Between the two."""


class Run:
    """The machines, the workload, and what it has noted."""

    def __init__(self, home: Path, network: Network, url: str) -> None:
        self.home = home
        self.network = network
        self.ray = RayMachines(network, home, url, nodes=NODES)
        self.folder = home / "notes"
        self.folder.mkdir()
        self._url = url
        self._read = 0
        self.notes: list[dict[str, Any]] = []

    def start(self) -> None:
        """Returns when the gallery is searched in shards."""
        self.ray.start(self.ray.head)
        for machine in self.ray.machines[1:]:
            self.ray.start(machine)  # it waits for its head
        self.workload = self.ray.run(
            *("-m", "benchmarks.sharding.workload", self._url, str(self.ray.server.home / "workload")),
            *(self.ray.address, str(self.folder), "--shards", str(SHARDS), "--copies", str(COPIES)),
        )
        wait_for(lambda: self.is_sharded() or self.workload.poll() is not None, START_SECONDS)
        seen = len(self.searches())
        wait_for(lambda: len(self.searches()) > seen + 20 or self.workload.poll() is not None, START_SECONDS)
        self.check()

    def check(self) -> None:
        """Raises SystemExit if the workload has ended."""
        if (status := self.workload.poll()) is not None:
            log = self.ray.server.home / "server.log"
            raise SystemExit(f"the workload has ended: {status}\n{log.read_text('utf-8')[-4000:]}")

    def result(self) -> dict[str, Any]:
        """What the workload says at its end, for which it is sent SIGTERM."""
        self.workload.terminate()
        file = self.folder / "result"
        wait_for(lambda: file.exists() or self.workload.poll() is not None, START_SECONDS)
        if not file.exists():
            self.check()
        self.workload.wait()
        self.read()
        result: dict[str, Any] = json.loads(file.read_text("utf-8"))
        return result

    def is_sharded(self) -> bool:
        database = Database(self._url, pool_size=1)
        try:
            with database.reading() as session:
                return any(one.state == "active" for one in shard_sets.list_all(session))
        finally:
            database.close()

    def searches(self) -> list[dict[str, Any]]:
        self.read()
        return [note for note in self.notes if note["kind"] == "search"]

    def read(self) -> None:
        """What the workload has noted since the last call."""
        file = self.folder / "notes"
        if not file.exists():
            return
        with file.open("rb") as notes:
            notes.seek(self._read)
            while (line := notes.readline()).endswith(b"\n"):
                self._read += len(line)
                self.notes.append(json.loads(line))

    def with_both_copies(self) -> list[Machine]:
        """The machines of all copies of one shard."""
        file = self.folder / "placement"
        process = self.ray.run("-m", "benchmarks.sharding.placement", self.ray.address, str(file))
        if process.wait() != 0:
            raise SystemExit("Ray does not say where the shards are")
        placed = min(json.loads(file.read_text("utf-8")).items())[1]
        return [machine for machine in self.ray.holding if machine.address in placed]

    def inflict(self, fault: Fault) -> dict[str, Any]:
        """Begins and ends the fault, waits until searches are well again, and counts."""
        began = time.time()
        fault.begin()
        time.sleep(fault.seconds)
        fault.end()
        ended = time.time()

        def well() -> bool:
            self.check()
            last = max([ended, *(_end(note) for note in self.searches() if _failed(note))])
            good = [note for note in self.notes if note["kind"] == "search" and note["at"] > last]
            return time.time() > last + SETTLED_SECONDS and len(good) > 5

        give_up = time.monotonic() + GIVE_UP_SECONDS
        while not (recovered := well()) and time.monotonic() < give_up:
            time.sleep(0.3)
        return {"fault": fault.name, "recovered": recovered} | counted(
            [note for note in self.notes if note["at"] >= began - 1], began
        )


def counted(notes: Sequence[dict[str, Any]], began: float) -> dict[str, Any]:
    searches = [note for note in notes if note["kind"] == "search"]
    errors = [note for note in notes if _failed(note)]
    failed_searches = [note for note in searches if _failed(note) and _end(note) >= began]
    good = [note for note in searches if note["outcome"] == "right"]
    after = [_end(note) for note in good if _end(note) > max(map(_end, failed_searches), default=0)]
    return {
        "searches": len(searches),
        "changes": sum(note["kind"] != "search" and note["outcome"] == "right" for note in notes),
        "wrong": sum(note["outcome"].startswith("wrong") for note in notes),
        "search_errors": len(failed_searches),
        "errors": dict(Counter(note["outcome"] for note in errors)),
        "longest_answer_s": round(max((note["seconds"] for note in good), default=0), 2),
        "longest_failure_s": round(max((note["seconds"] for note in errors), default=0), 2),
        "recovery_s": round(min(after, default=time.time()) - began, 1) if failed_searches else 0.0,
    }


def _failed(note: dict[str, Any]) -> bool:
    return note["outcome"] != "right" and not note["outcome"].startswith("wrong")


def _end(note: dict[str, Any]) -> float:
    ended: float = note["at"] + note["seconds"]
    return ended
