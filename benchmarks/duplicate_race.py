"""Clients that enrol one person at the same moment, in a gallery that rejects duplicates.

Two `gemel serve`, each with a disk of its own, as on two machines, share one PostgreSQL. In each round the
clients, half of them at each server, send photographs of one person of LFW, all at once. Photographs are
different files whose scores with each other are above the gallery's threshold, as far as the person has so
many; the others are sent twice or more. Exactly one client may succeed; the others get 409. A client that
gets 503 tries again.
"""

import argparse
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.gallery import filled
from benchmarks.server import ready_server
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline

GALLERY = "race"
LIKE = 0.55
"""Score that each two photographs of a round have at least: well above the threshold of a small gallery."""
MOST_EMBEDDED = 60
"""Photographs of a person that are looked through."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: a folder for each person")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with open_pipeline(Settings()) as pipeline:
        people = [
            _alike(pipeline, folder, arguments.clients)
            for folder in track(_with_most(arguments.data, arguments.rounds), "Choosing photographs")
        ]
    with ExitStack() as stack:
        home, url, _ = stack.enter_context(filled(0))
        servers = [stack.enter_context(ready_server(url, home / name)) for name in ("one", "other")]
        rows = [
            race(servers, photographs, arguments.clients, GALLERY) for photographs in track(people, "Racing")
        ]
    Console().print(_table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps({"clients": arguments.clients, "rounds": rows}, indent=2) + "\n")


def race(servers: Sequence[str], photographs: Sequence[bytes], clients: int, gallery: str) -> dict[str, Any]:
    """One round. The gallery is made by the first; returns how many clients got which status, and how many
    identities the gallery has more."""
    with httpx2.Client(base_url=servers[0], timeout=60) as client:
        client.post("/v1/galleries", json={"name": gallery, "duplicate_check": "reject"})
        before = client.get(f"/v1/galleries/{gallery}").json()["identities"]
        start = threading.Barrier(clients)

        def enrol(number: int) -> list[int]:
            data = photographs[number % len(photographs)]
            statuses: list[int] = []
            with httpx2.Client(base_url=servers[number % len(servers)], timeout=120) as own:
                start.wait()
                while not statuses or statuses[-1] == 503:
                    if statuses:
                        time.sleep(0.2)
                    answer = own.post(
                        f"/v1/galleries/{gallery}/identities",
                        files=[("images", ("a.jpg", data))],
                        data={"several_faces": "largest"},
                    )
                    statuses.append(answer.status_code)
            return statuses

        begun = time.perf_counter()
        with ThreadPoolExecutor(clients) as pool:
            statuses = Counter(status for each in pool.map(enrol, range(clients)) for status in each)
        seconds = time.perf_counter() - begun
        after = client.get(f"/v1/galleries/{gallery}").json()["identities"]
    return {
        "photographs": len(photographs),
        "identities": after - before,
        "statuses": dict(sorted(statuses.items())),
        "seconds": round(seconds, 2),
    }


def _with_most(data: Path, people: int) -> list[Path]:
    """The people with the most photographs."""
    folders = [folder for folder in data.iterdir() if folder.is_dir()]
    return sorted(folders, key=lambda folder: -len(list(folder.glob("*.jpg"))))[:people]


def _alike(pipeline: Pipeline, folder: Path, most: int) -> list[bytes]:
    """At most so many photographs of a person, each two of which score at least `LIKE`."""
    files, vectors = [], []
    for path in sorted(folder.glob("*.jpg"))[:MOST_EMBEDDED]:
        data = path.read_bytes()
        faces = pipeline.detect(data, Stopwatch(), max_faces=1).faces
        if faces:
            files.append(data)
            vectors.append(pipeline.embed(faces, Stopwatch())[0])
    scores = np.stack(vectors) @ np.stack(vectors).T
    chosen: list[int] = []
    for place in np.argsort(-scores.mean(axis=1)).tolist():
        if len(chosen) < most and (scores[place, chosen] >= LIKE).all():
            chosen.append(place)
    return [files[place] for place in chosen]


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    table = Table("Round", "Photographs", "Identities", "201", "409", "503, tried again", "Other", "Seconds")
    for number, row in enumerate(rows, start=1):
        statuses = dict(row["statuses"])
        known = [statuses.pop(status, 0) for status in (201, 409, 503)]
        cells = [
            number,
            row["photographs"],
            row["identities"],
            *known,
            sum(statuses.values()),
            row["seconds"],
        ]
        table.add_row(*map(str, cells))
    duplicates = sum(row["identities"] - 1 for row in rows)
    table.caption = f"{duplicates} duplicates in {len(rows)} rounds"
    return table


if __name__ == "__main__":
    main()
