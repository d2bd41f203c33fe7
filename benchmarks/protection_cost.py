"""What keys, limits and the audit record cost an identification, over HTTP, in a gallery of 100,000.

    python -m benchmarks.protection_cost --rounds 8

Two servers with one PostgreSQL each: one without keys and audit record, one with both, whose client has a key
with limits that it does not reach. One client, then eight, send a 640 x 480 photograph of one face, in turns
of `--requests` to the one server and to the other. The ratio is that of each turn with its neighbour: the
median over all rounds, with the quartiles. Clients and servers share the machine's cores; the server that
waits is idle.
"""

import argparse
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.audit_cost import batch
from benchmarks.gallery import GALLERY, filled
from benchmarks.server import readiness, serve

ADMIN = "bootstrap-key-of-the-benchmark"
LIMITS = {"requests_per_second": 100_000, "faces_per_second": 100_000, "max_concurrent": 1000}
WARM_UPS = 20


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000, help="size of the galleries")
    parser.add_argument("--rounds", type=int, default=8, help="turns of each server and client count")
    parser.add_argument("--requests", type=int, default=150, help="requests of a turn")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    console = Console()
    figures = []
    with ExitStack() as stack:
        console.print(f"Filling two galleries with {arguments.faces:,} faces ...")
        bare = stack.enter_context(server(arguments.faces, protected=False))
        protected = stack.enter_context(server(arguments.faces, protected=True))
        for clients in (1, 8):
            for base in (bare, protected):
                turn(base, clients, WARM_UPS)
            rounds = [
                [turn(base, clients, arguments.requests) for base in (bare, protected)]
                for _ in track(range(arguments.rounds), description=f"{clients} clients", transient=True)
            ]
            figures.append(summary(clients, np.array(rounds)))
    console.print(table(figures, arguments.faces))
    if arguments.json:
        document = {"faces": arguments.faces, "cores": os.cpu_count(), "runs": figures}
        arguments.json.write_text(json.dumps(document, indent=2))


@contextmanager
def server(faces: int, *, protected: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Its address, and the headers of a request to it."""
    settings = {"GEMEL_API_KEY": ADMIN, "GEMEL_AUDIT": "on"} if protected else {"GEMEL_AUDIT": "off"}
    with filled(faces) as (home, url, _), serve(url, home, settings=settings) as running:
        running.wait(readiness)
        base = f"http://127.0.0.1:{running.port}"
        headers = {}
        if protected:
            new = {"name": "benchmark", "roles": ["identify"], "galleries": [GALLERY], **LIMITS}
            created = httpx2.post(f"{base}/v1/keys", json=new, headers={"X-API-Key": ADMIN})
            headers = {"X-API-Key": created.raise_for_status().json()["key"]}
        yield base, headers


def turn(target: tuple[str, dict[str, str]], clients: int, requests: int) -> float:
    """Seconds for so many requests."""
    base, headers = target
    return batch(base, clients, requests, headers)[1]


def summary(clients: int, seconds: "np.ndarray[tuple[int, int], np.dtype[np.float64]]") -> dict[str, object]:
    """`seconds`: shape (rounds, 2), without and with protection."""
    ratios = seconds[:, 1] / seconds[:, 0]
    low, median, high = np.percentile(ratios, [25, 50, 75]).round(4).tolist()
    bare, protected = np.median(seconds, axis=0).round(3).tolist()
    return {
        "clients": clients,
        "rounds": len(seconds),
        "seconds_without": bare,
        "seconds_with": protected,
        "ratio": median,
        "ratio_quartiles": [low, high],
    }


def table(figures: list[dict[str, object]], faces: int) -> Table:
    shown = Table(title=f"Identification in {faces:,} faces, with keys, limits and audit record")
    for column in ("clients", "without, s", "with, s", "ratio", "quartiles"):
        shown.add_column(column, justify="right")
    for row in figures:
        shown.add_row(
            str(row["clients"]),
            str(row["seconds_without"]),
            str(row["seconds_with"]),
            str(row["ratio"]),
            str(row["ratio_quartiles"]),
        )
    return shown


if __name__ == "__main__":
    main()
