"""The time until a change that one process has acknowledged shows in another.

Two `gemel serve`, each with a disk of its own, as on two machines, share one PostgreSQL. A person is enrolled
through the first server. From its answer on, the second is searched until it finds the person. Then the
person is deleted through the first, and the second is searched until it no longer finds them. The time ends
with the answer that shows the change, so it is never less than one search over HTTP.
"""

import argparse
import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.server import ready_server
from indexer.records.database.session import Database

GIVE_UP_SECONDS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000, help="size of the gallery")
    parser.add_argument("--rounds", type=int, default=200, help="enrolments, and as many deletions")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home, url, database = stack.enter_context(filled(arguments.faces))
        ours, theirs = (
            stack.enter_context(
                httpx2.Client(
                    base_url=f"{stack.enter_context(ready_server(url, home / name))}/v1/galleries/{GALLERY}/",
                    timeout=60,
                )
            )
            for name in ("one", "other")
        )
        rows = measure(ours, theirs, database, arguments.rounds)
    Console().print(table(rows, arguments.faces))
    if arguments.json:
        figures = {"faces": arguments.faces, "cores": os.cpu_count(), "runs": rows}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def measure(
    ours: httpx2.Client, theirs: httpx2.Client, database: Database, rounds: int
) -> list[dict[str, Any]]:
    """Raises SystemExit if a change does not show in time."""
    photograph = one_face_640x480()
    identity, embedding = _enrol(ours, photograph), _embedding(database)
    _shown(theirs, embedding, identity, there=True)
    ours.delete(f"identities/{identity}").raise_for_status()
    times: dict[str, list[tuple[float, int]]] = {"a search alone": [], "enrolled": [], "deleted": []}
    for _ in track(range(rounds), description="Enrolling, searching, deleting", transient=True):
        identity = _enrol(ours, photograph)
        times["enrolled"].append(_shown(theirs, embedding, identity, there=True))
        times["a search alone"].append(_shown(theirs, embedding, identity, there=True))
        ours.delete(f"identities/{identity}").raise_for_status()
        times["deleted"].append(_shown(theirs, embedding, identity, there=False))
    return [_row(name, measured) for name, measured in times.items()]


def table(rows: list[dict[str, Any]], faces: int) -> Table:
    made = Table(
        "From the answer of one process",
        "p50 ms",
        "p95 ms",
        "Most ms",
        "Shown by the first answer",
        title=f"Until another process shows it, gallery of {faces:,}",
        title_justify="left",
        title_style="bold",
    )
    for row in rows:
        made.add_row(
            row["name"],
            f"{row['p50_ms']:.1f}",
            f"{row['p95_ms']:.1f}",
            f"{row['most_ms']:.1f}",
            f"{row['by_the_first']} of {row['rounds']}",
        )
    return made


def _enrol(client: httpx2.Client, photograph: bytes) -> str:
    answer = client.post("identities", files={"images": ("photograph.jpg", photograph)})
    answer.raise_for_status()
    return str(answer.json()["id"])


def _embedding(database: Database) -> list[float]:
    """The embedding of the face that was enrolled last."""
    with database.reading() as session:
        stored = session.scalar(text("SELECT vector FROM embedding ORDER BY face_key DESC LIMIT 1"))
    return [float(value) for value in np.frombuffer(stored, np.float32)]


def _shown(client: httpx2.Client, embedding: list[float], identity: str, *, there: bool) -> tuple[float, int]:
    """Milliseconds until the identity is found, or not found any longer, and the number of searches."""
    start = time.perf_counter()
    searches = 0
    while time.perf_counter() - start < GIVE_UP_SECONDS:
        answer = client.post("search", json={"embedding": embedding, "max_candidates": 1})
        answer.raise_for_status()
        searches += 1
        if there == any(found["identity"]["id"] == identity for found in answer.json()["candidates"]):
            return 1e3 * (time.perf_counter() - start), searches
    raise SystemExit(f"the other process does not show it after {GIVE_UP_SECONDS:.0f} s")


def _row(name: str, measured: list[tuple[float, int]]) -> dict[str, Any]:
    milliseconds = [time for time, _ in measured]
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return {
        "name": name,
        "rounds": len(measured),
        "p50_ms": round(float(p50), 2),
        "p95_ms": round(float(p95), 2),
        "most_ms": round(max(milliseconds), 2),
        "by_the_first": sum(searches == 1 for _, searches in measured),
    }


if __name__ == "__main__":
    main()
