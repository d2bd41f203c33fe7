"""What the audit record costs: identify with the record on, against off, side by side.

Two servers, on one PostgreSQL with fsync, get the same photograph in turns: a batch of requests to one, a
batch to the other. One client, then eight. The ratio is that of the medians over all batches; 1.05 is a cost
of 5 %. Clients, servers and PostgreSQL share the machine's cores.
"""

import argparse
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.server import readiness, serve

VARIANTS = ("off", "on")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=10_000, help="size of the gallery")
    parser.add_argument("--rounds", type=int, default=12, help="batches of each server")
    parser.add_argument("--requests", type=int, default=40, help="requests of a batch")
    parser.add_argument("--searches", default="required", help="GEMEL_AUDIT_SEARCHES of the server with it")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home, url, _ = stack.enter_context(filled(arguments.faces))
        bases = {
            variant: stack.enter_context(_server(url, home, variant, arguments.searches))
            for variant in VARIANTS
        }
        rows = [measure(bases, clients, arguments.rounds, arguments.requests) for clients in (1, 8)]
    table = Table(
        "Clients", "off, p50 ms", "on, p50 ms", "ratio", "off, requests/s", "on, requests/s", "ratio"
    )
    for row in rows:
        table.add_row(
            str(row["clients"]),
            *(f"{row['p50_ms'][variant]:.2f}" for variant in VARIANTS),
            f"{row['p50_ratio']:.3f}",
            *(f"{row['per_second'][variant]:.1f}" for variant in VARIANTS),
            f"{row['per_second_ratio']:.3f}",
        )
    Console().print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps({"cores": os.cpu_count(), "runs": rows}, indent=2))


@contextmanager
def _server(url: str, home: Path, audit: str, searches: str) -> Iterator[str]:
    """Its address, once it is ready."""
    settings = {"GEMEL_AUDIT": audit, "GEMEL_AUDIT_SEARCHES": searches}
    with serve(url, home, settings=settings) as server:
        server.wait(readiness)
        yield f"http://127.0.0.1:{server.port}"


def measure(bases: dict[str, str], clients: int, rounds: int, requests: int) -> dict[str, Any]:
    milliseconds: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    rates: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for number in range(rounds + 1):
        for variant in VARIANTS if number % 2 else reversed(VARIANTS):
            taken, seconds = batch(bases[variant], clients, requests)
            if number:  # the first round warms up
                milliseconds[variant] += taken
                rates[variant].append(len(taken) / seconds)
    p50 = {variant: float(np.median(milliseconds[variant])) for variant in VARIANTS}
    per_second = {variant: float(np.median(rates[variant])) for variant in VARIANTS}
    return {
        "clients": clients,
        "requests": len(milliseconds["on"]),
        "p50_ms": p50,
        "p50_ratio": p50["on"] / p50["off"],
        "per_second": per_second,
        "per_second_ratio": per_second["on"] / per_second["off"],
    }


def batch(
    base: str, clients: int, requests: int, headers: Mapping[str, str] | None = None
) -> tuple[Sequence[float], float]:
    """Milliseconds of each request, and seconds of all. `headers`: for the API key."""
    path = f"/v1/galleries/{GALLERY}/identify"
    form = httpx2.Request("POST", base + path, files={"image": ("photograph.jpg", one_face_640x480())})
    body, headers = form.read(), {"Content-Type": form.headers["Content-Type"], **(headers or {})}
    taken: list[float] = []
    left, lock = iter(range(requests)), threading.Lock()

    def work() -> None:
        with httpx2.Client(base_url=base, timeout=60) as client:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                start = time.perf_counter()
                client.post(path, content=body, headers=headers).raise_for_status()
                taken.append((time.perf_counter() - start) * 1e3)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, time.perf_counter() - start


if __name__ == "__main__":
    main()
