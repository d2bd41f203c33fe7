"""The service over machines: two `gemel serve` behind HAProxy, PgBouncer, and a read replica of PostgreSQL.

    python -m benchmarks.service_machines --json FILE

A machine is a network namespace with an address and a disk of its own (`benchmarks.machines`). Four things
are measured:

- A person is enrolled through one server, and from its answer on searched through the other, until they are
  found (`benchmarks.propagation`): directly on PostgreSQL, and through PgBouncer in transaction mode.
- How long the index of a process that nobody asks takes to have a change: with notifications, and through
  PgBouncer, where they are lost and the index is brought up to date every `POLL_SECONDS`.
- Clients search through HAProxy while one server is killed and started again.
- A person is enrolled through a server on the primary PostgreSQL, and searched through one on its replica,
  with the number of the change.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from sqlalchemy import text

from benchmarks.gallery import GALLERY, fill, one_face_640x480
from benchmarks.machines.haproxy import haproxy
from benchmarks.machines.machine import Machine
from benchmarks.machines.network import Network, missing
from benchmarks.machines.postgresql import reachable_postgresql
from benchmarks.machines.serving import PORT, await_ready, client, quantiles, serve
from benchmarks.propagation import measure
from indexer.records import galleries
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.replica.sync import POLL_SECONDS
from tests.support.faults.node import GALLERY as NODE_GALLERY
from tests.support.faults.node import Node
from tests.support.faults.pgbouncer import pgbouncer
from tests.support.faults.replica import read_replica
from tests.support.home import wait_for

BALANCER_PORT, REPLICA_PORT = 8080, 5433
CLIENTS = 4


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=20_000, help="size of the gallery")
    parser.add_argument("--rounds", type=int, default=50, help="enrolments of each measurement")
    parser.add_argument("--kills", type=int, default=3, help="of a server behind the balancer")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if (problem := missing()) is not None:
        raise SystemExit(problem)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-machines-")))
        home.chmod(0o755)
        network = stack.enter_context(Network())
        url = stack.enter_context(reachable_postgresql(home / "db", network))
        database = Database(url)
        stack.callback(database.close)
        schema.migrate(database)
        fill(database, arguments.faces)
        machines = [network.machine(home / name) for name in ("one", "other", "third")]
        pooled = stack.enter_context(pgbouncer(home / "db", url, address=network.address))
        figures: dict[str, Any] = {"faces": arguments.faces, "cores": os.cpu_count()}
        figures["direct"] = shown_by_the_other(machines, url, database, arguments.rounds)
        figures["balancer"] = killed_behind_a_balancer(
            home, network, machines, url, database, arguments.kills
        )
        figures["pgbouncer"] = shown_by_the_other(machines, pooled, database, arguments.rounds)
        figures["background"] = {
            name: in_the_background(home / name, address, database, arguments.rounds)
            for name, address in (("notified", url), ("polled", pooled))
        }
        figures["replica"] = on_a_replica(home, network, machines, url, arguments.rounds)
    Console().print(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def shown_by_the_other(machines: list[Machine], url: str, database: Database, rounds: int) -> Any:
    """`benchmarks.propagation` between two machines."""
    bases = [serve(machine, url) for machine in machines[:2]]
    await_ready(*bases)
    with client(bases[0]) as ours, client(bases[1]) as theirs:
        rows = measure(ours, theirs, database, rounds)
    for machine in machines[:2]:
        machine.kill()
    return rows


def in_the_background(home: Path, url: str, database: Database, rounds: int) -> dict[str, float]:
    """Milliseconds until the index of a process that nobody asks has a change of another process."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM gallery WHERE name = :name"), {"name": NODE_GALLERY})
        galleries.create(session, NODE_GALLERY)
    one, other = (Node(url, home / name, poll_seconds=POLL_SECONDS) for name in ("one", "other"))
    order, milliseconds = np.random.default_rng(0), []
    try:
        one.enrol(0)
        if not other.finds(0):
            raise SystemExit("the person is not found")
        for person in range(1, rounds + 1):
            time.sleep(order.uniform(0, POLL_SECONDS))  # at any time between two polls
            change = one.enrol(person)
            start = time.perf_counter()
            while other.index_cache.reports()[0].applied < change:
                time.sleep(0.0005)
            milliseconds.append(1e3 * (time.perf_counter() - start))
    finally:
        one.close()
        other.close()
    return quantiles(milliseconds)


def killed_behind_a_balancer(
    home: Path, network: Network, machines: list[Machine], url: str, database: Database, kills: int
) -> dict[str, Any]:
    """Clients search for people of the gallery all the time; each answer must have its person first."""
    bases = [serve(machine, url) for machine in machines[:2]]
    await_ready(*bases)
    probes = _probes(database)
    answers: list[tuple[float, str | None, str]] = []
    ending = threading.Event()

    def ask(base: str, seed: int) -> None:
        order = np.random.default_rng(seed)
        with client(base) as asking:
            while not ending.is_set():
                identity, vector = probes[order.integers(len(probes))]
                start = time.perf_counter()
                try:
                    answer = asking.post("search", json={"embedding": vector, "max_candidates": 1})
                    found = answer.status_code == 200 and answer.json()["candidates"]
                    outcome = _verdict(found, identity) if found else f"error {answer.status_code}"
                    server = answer.headers.get("X-Server")
                except httpx2.TransportError as error:
                    outcome, server = f"error {type(error).__name__}", None
                answers.append((time.perf_counter() - start, server, outcome))

    servers = [f"{machine.address}:{PORT}" for machine in machines[:2]]
    back_seconds = []
    with haproxy(home, network.address, BALANCER_PORT, servers) as base:
        await_ready(base)
        threads = [threading.Thread(target=ask, args=(base, seed)) for seed in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for number in range(kills):
            time.sleep(3)
            machine = machines[number % 2]
            machine.kill()
            time.sleep(3)
            started, seen = time.perf_counter(), len(answers)
            serve(machine, url)
            wait_for(lambda: any(server == f"s{number % 2}" for _, server, _ in answers[seen:]), 300)  # noqa: B023
            back_seconds.append(round(time.perf_counter() - started, 1))
        ending.set()
        for thread in threads:
            thread.join()
    for machine in machines[:2]:
        machine.kill()
    return {
        "clients": CLIENTS,
        "kills": kills,
        "searches": len(answers),
        "wrong": sum(outcome == "wrong" for *_, outcome in answers),
        "errors": Counter(outcome for *_, outcome in answers if outcome.startswith("error")),
        "by_server": {name: sum(server == name for _, server, _ in answers) for name in ("s0", "s1")},
        "back_seconds": back_seconds,
    } | quantiles([1e3 * seconds for seconds, *_ in answers])


def on_a_replica(
    home: Path, network: Network, machines: list[Machine], url: str, rounds: int
) -> dict[str, Any]:
    """From the answer to an enrolment on the primary to that of a search on the replica that names the
    change, with the search itself; and which of them found the person."""
    options = [f"listen_addresses={network.address}", f"port={REPLICA_PORT}"]
    with read_replica(home / "db", url, home / "replica", options):
        replica = url.replace(":5432/", f":{REPLICA_PORT}/")
        bases = [
            serve(machines[0], url),
            serve(machines[1], replica, GEMEL_AUDIT_SEARCHES="best-effort"),
        ]
        await_ready(*bases)
        photograph, milliseconds, found = one_face_640x480(), [], 0
        with client(bases[0]) as ours, client(bases[1]) as theirs:
            for number in range(rounds + 1):
                person = ours.post("identities", files={"images": photograph}).raise_for_status().json()
                start = time.perf_counter()
                answer = theirs.post(
                    "identify",
                    files={"image": photograph},
                    data={"min_change_number": person["change_number"]},
                ).raise_for_status()
                if number:  # the first one opens the index
                    milliseconds.append(1e3 * (time.perf_counter() - start))
                    candidates = answer.json()["faces"][0]["candidates"]
                    found += any(c["identity"]["id"] == person["id"] for c in candidates)
                ours.delete(f"identities/{person['id']}").raise_for_status()
        for machine in machines[:2]:
            machine.kill()
    return {"rounds": rounds, "found_by_the_first": found} | quantiles(milliseconds)


def _probes(database: Database, count: int = 200) -> list[tuple[str, list[float]]]:
    """Ids of identities, with the embeddings of their faces."""
    with database.reading() as session:
        rows = session.execute(
            text(
                "SELECT f.identity_id, e.vector FROM face f JOIN embedding e ON e.face_key = f.key"
                " JOIN identity i ON i.id = f.identity_id JOIN gallery g ON g.id = i.gallery_id"
                " WHERE g.name = :name ORDER BY f.key LIMIT :count"
            ),
            {"name": GALLERY, "count": count},
        ).all()
    return [(str(identity), np.frombuffer(vector, "<f4").tolist()) for identity, vector in rows]


def _verdict(candidates: list[dict[str, Any]], identity: str) -> str:
    return "right" if candidates[0]["identity"]["id"] == identity else "wrong"


if __name__ == "__main__":
    main()
