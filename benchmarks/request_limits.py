"""What the limits of an API key cost per request, over HTTP, with keys that never reach them.

Keys with different limits take turns, ten requests each, at one server: first with `GET` of a gallery, which
shows the cost in microseconds, then with the identification of a 640 x 480 photograph. At last eight clients
identify at once, in short rounds, each round with one of the keys. Clients and server share the machine's
cores.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.server import ready_server
from indexer.access import keys
from indexer.access.key_limits.limits import KeyLimits
from indexer.access.keys import COMMAND_LINE, NewKey
from indexer.access.roles import Role
from indexer.records.database.session import Database

HIGH = 1e6
LIMITS = {
    "none": KeyLimits(),
    "requests per second": KeyLimits(requests_per_second=HIGH),
    "faces per second": KeyLimits(faces_per_second=HIGH),
    "concurrent requests": KeyLimits(max_concurrent=100),
    "requests and faces": KeyLimits(requests_per_second=HIGH, faces_per_second=HIGH),
    "all three": KeyLimits(requests_per_second=HIGH, faces_per_second=HIGH, max_concurrent=100),
}
CLIENTS = 8
BLOCK = 10
REQUESTS_OF_A_ROUND = 4
Send = Callable[[httpx2.Client], httpx2.Response]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=10_000, help="size of the gallery")
    parser.add_argument("--gets", type=int, default=1000, help="GET requests of each key")
    parser.add_argument("--identifications", type=int, default=150, help="identifications of each key")
    parser.add_argument("--rounds", type=int, default=10, help="rounds of eight clients, of each key")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    console = Console()
    photograph = one_face_640x480()
    with filled(arguments.faces) as (home, url, database):
        headers = {name: {"X-API-Key": new_key(database, name)} for name in LIMITS}
        with ready_server(url, home) as base:
            figures: dict[str, Any] = {
                "cores": os.cpu_count(),
                "get": in_turn(base, headers, arguments.gets, get),
                "identify": in_turn(base, headers, arguments.identifications, identify(base, photograph)),
                "eight_clients": in_rounds(base, headers, arguments.rounds, identify(base, photograph)),
            }
    console.print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2))


def new_key(database: Database, name: str) -> str:
    new = NewKey(name=name, roles=[Role.ADMIN], limits=LIMITS[name])
    return keys.create(database, new, by=COMMAND_LINE).text


def get(client: httpx2.Client) -> httpx2.Response:
    return client.get(f"/v1/galleries/{GALLERY}")


def identify(base: str, photograph: bytes) -> Send:
    """The form is written once: the client's library takes more than a millisecond for it."""
    path = f"/v1/galleries/{GALLERY}/identify"
    form = httpx2.Request("POST", base + path, files={"image": ("photograph.jpg", photograph)})
    body, headers = form.read(), {"Content-Type": form.headers["Content-Type"]}
    return lambda client: client.post(path, content=body, headers=headers)


def in_turn(base: str, headers: dict[str, dict[str, str]], requests: int, send: Send) -> dict[str, Any]:
    """Microseconds of each key, one client, which changes its key after each `BLOCK` of requests."""
    times: dict[str, list[float]] = {name: [] for name in headers}
    with httpx2.Client(base_url=base, timeout=60) as client:
        for block in track(range(1 + requests // BLOCK), description="In turn", transient=True):
            for name, own in headers.items():
                client.headers.update(own)
                for _ in range(BLOCK):
                    start = time.perf_counter()
                    send(client).raise_for_status()
                    if block:  # the first one opens the index and warms up
                        times[name].append((time.perf_counter() - start) * 1e6)
    without = float(np.median(times["none"]))
    medians = {name: float(np.median(values)) for name, values in times.items()}
    return {
        name: {"median_us": median, "more_us": median - without, "ratio": median / without}
        for name, median in medians.items()
    }


def in_rounds(base: str, headers: dict[str, dict[str, str]], rounds: int, send: Send) -> dict[str, Any]:
    """Identifications a second with `CLIENTS` at once: medians of the rounds."""
    rates: dict[str, list[float]] = {name: [] for name in headers}

    def work(own: dict[str, str]) -> None:
        with httpx2.Client(base_url=base, timeout=60, headers=own) as client:
            for _ in range(REQUESTS_OF_A_ROUND):
                send(client).raise_for_status()

    with ThreadPoolExecutor(CLIENTS) as threads:
        for number in track(range(1 + rounds), description="Eight clients", transient=True):
            for name, own in headers.items():
                start = time.perf_counter()
                list(threads.map(work, [own] * CLIENTS))
                if number:
                    seconds = time.perf_counter() - start
                    rates[name].append(REQUESTS_OF_A_ROUND * CLIENTS / seconds)
    medians = {name: float(np.median(values)) for name, values in rates.items()}
    return {name: {"per_second": rate, "ratio": medians["none"] / rate} for name, rate in medians.items()}


def table(figures: dict[str, Any]) -> Table:
    made = Table(
        "Limits", "GET, µs", "more", "identify, µs", "ratio", "8 clients, 1/s", "ratio", min_width=90
    )
    for name in LIMITS:
        quick, slow, eight = (figures[kind][name] for kind in ("get", "identify", "eight_clients"))
        made.add_row(
            name,
            f"{quick['median_us']:,.0f}",
            f"{quick['more_us']:+,.0f}",
            f"{slow['median_us']:,.0f}",
            f"{slow['ratio']:.3f}",
            f"{eight['per_second']:.1f}",
            f"{eight['ratio']:.3f}",
        )
    return made


if __name__ == "__main__":
    main()
