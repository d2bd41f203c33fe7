"""Attacks on the API keys of a server, and how soon keys end.

Whether a gallery outside of a key's patterns exists: the times of both answers are compared, by turns. Key
guesses: how many are tried, how many are in the audit record, and what an honest client notices. Revocation:
how soon two servers reject the key. Only against servers on 127.0.0.1 that this command starts.
"""

import argparse
import json
import secrets
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.server import Server, readiness, serve
from indexer.access import keys
from indexer.access.roles import Role
from indexer.records import embedded, galleries
from indexer.records.database import schema
from indexer.records.database.session import Database

OUTSIDE, NOWHERE = "secret", "nobody"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=2000, help="requests for each of the two galleries")
    parser.add_argument("--guesses", type=int, default=2000, help="wrong keys")
    parser.add_argument("--keys", type=int, default=20, help="keys that are revoked")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = embedded.start(home)
        stack.callback(embedded.stop, home)
        database = Database(url)
        stack.callback(database.close)
        schema.migrate(database)
        with database.transaction() as session:
            galleries.create(session, OUTSIDE)
        key = _issue(database, ["team-*"]).text
        servers = [stack.enter_context(serve(url, home)) for _ in range(2)]
        for server in servers:
            server.wait(readiness)
        figures = {
            "timing": timing(servers[0], key, arguments.pairs),
            "revocation": revocation(servers, database, arguments.keys),
            # Last: then the address waits for its answers to wrong keys.
            "guesses": guesses(servers[0], database, key, arguments.guesses),
        }
    table = Table("Attack", "Figure", "Value")
    for attack, values in figures.items():
        for name, value in values.items():
            table.add_row(
                attack, name.replace("_", " "), f"{value:.3f}" if isinstance(value, float) else str(value)
            )
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def timing(server: Server, key: str, pairs: int) -> dict[str, Any]:
    """How often a single answer would show the right one of the two: 0.5 is chance (area under the ROC
    curve), with its 95 % interval."""
    client = server.connection()
    seconds: dict[str, list[float]] = {OUTSIDE: [], NOWHERE: []}
    for pair in range(pairs):
        for name in (OUTSIDE, NOWHERE) if pair % 2 else (NOWHERE, OUTSIDE):
            began = time.perf_counter()
            assert _status(client, f"/v1/galleries/{name}", key) == 404
            seconds[name].append(time.perf_counter() - began)
    outside, nowhere = (np.array(seconds[name]) for name in (OUTSIDE, NOWHERE))
    ranks = np.argsort(np.argsort(np.concatenate([outside, nowhere]))) + 1
    area = (ranks[:pairs].sum() - pairs * (pairs + 1) / 2) / pairs**2
    spread = 1.96 * np.sqrt((2 * pairs + 1) / (12 * pairs**2))
    return {
        "requests": 2 * pairs,
        "exists, median ms": 1e3 * float(np.median(outside)),
        "does not exist, median ms": 1e3 * float(np.median(nowhere)),
        "share separated": float(area),
        "plus or minus": float(spread),
    }


def guesses(server: Server, database: Database, key: str, number: int) -> dict[str, Any]:
    """By 16 clients at once, half of the guesses with the prefix of a real key."""
    prefix = key.rsplit("_", 1)[0]
    left = iter(range(number))
    lock = threading.Lock()
    found: list[int] = []

    def guess() -> None:
        client = server.connection()
        while True:
            with lock:
                turn = next(left, None)
            if turn is None:
                return
            wrong = f"{prefix}_{secrets.token_hex(32)}" if turn % 2 else secrets.token_urlsafe(16)
            found.append(_status(client, "/v1/models", wrong))

    honest = _latency(server, key, 200)
    threads = [threading.Thread(target=guess) for _ in range(16)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    meanwhile = _latency(server, key, 200)
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    with database.reading() as session:
        rows = session.scalar(text("SELECT count(*) FROM audit_event WHERE action = 'authentication.failed'"))
    return {
        "guesses": number,
        "right": found.count(200),
        "answers other than 401": number - found.count(401),
        "guesses a second": number / seconds,
        "audit rows so far": rows,
        "honest client before, median ms": honest,
        "honest client meanwhile, median ms": meanwhile,
    }


def revocation(servers: list[Server], database: Database, number: int) -> dict[str, Any]:
    seconds = []
    clients = [server.connection() for server in servers]
    for _ in range(number):
        issued = _issue(database, None)
        for client in clients:
            assert _status(client, "/v1/models", issued.text) == 200
        keys.revoke(database, issued.row.id, by=keys.COMMAND_LINE)
        began = time.perf_counter()
        for client in clients:
            while _status(client, "/v1/models", issued.text) == 200:
                pass
        seconds.append(time.perf_counter() - began)
    return {
        "keys": number,
        "median ms": 1e3 * statistics.median(seconds),
        "slowest ms": 1e3 * max(seconds),
    }


def _issue(database: Database, patterns: list[str] | None) -> keys.IssuedKey:
    new = keys.NewKey(name="benchmark", roles=[Role.READ], galleries=patterns)
    return keys.create(database, new, by=keys.COMMAND_LINE)


def _latency(server: Server, key: str, requests: int) -> float:
    """Milliseconds, the median."""
    client = server.connection()
    seconds = []
    for _ in range(requests):
        began = time.perf_counter()
        assert _status(client, "/v1/models", key) == 200
        seconds.append(time.perf_counter() - began)
    return 1e3 * statistics.median(seconds)


def _status(client: HTTPConnection, path: str, key: str) -> int:
    client.request("GET", path, headers={"X-API-Key": key})
    answer = client.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    main()
