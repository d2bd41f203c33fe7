"""How long each stage of an identification takes, over HTTP, in a gallery of 100,000.

One client, then eight, send a 640 x 480 photograph of one face to a server of their own with an embedded
PostgreSQL of its own; with `--large`, one of 12 megapixels and some 8 MB. "Rest" is the time beyond the
stages that the answer names: HTTP, multipart, JSON and the database. Clients and server share the machine's
cores.

At last one client alternates with calls of the same identification in the benchmark's own process: how long a
request takes over the sum of its stages.
"""

import argparse
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.gallery import GALLERY, filled, one_face_12_megapixels, one_face_640x480
from benchmarks.server import ready_server
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_engine

STAGES = ("decode", "detect", "align", "embed", "search")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000, help="size of the gallery")
    parser.add_argument("--requests", type=int, default=200, help="requests of each client count")
    parser.add_argument("--large", action="store_true", help="send a photograph of 12 megapixels")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    console = Console()
    photograph = one_face_12_megapixels() if arguments.large else one_face_640x480()
    console.print(f"Filling a gallery with {arguments.faces:,} faces ...")
    with filled(arguments.faces) as (home, url, _), ready_server(url, home) as base:
        figures = [measure(base, clients, arguments.requests, photograph) for clients in (1, 8)]
        settings = Settings(database_url=url, home=home)
        over = over_stages(base, settings, arguments.requests, photograph)
    for row in figures:
        console.print(table(row, arguments.faces))
    console.print(
        f"HTTP {over['http_ms']:.2f} ms, in-process {over['in_process_ms']:.2f} ms, its stages"
        f" {over['stages_ms']:.2f} ms: HTTP is {over['http_over_stages']:.3f} x the stages",
        soft_wrap=True,
    )
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {"faces": arguments.faces, "cores": os.cpu_count(), "runs": figures, "over_stages": over},
                indent=2,
            )
        )


def measure(base: str, clients: int, requests: int, photograph: bytes | None = None) -> dict[str, Any]:
    """Milliseconds of each stage, p50 and p95, and requests a second. `photograph`: `one_face_640x480`."""
    photograph = photograph or one_face_640x480()
    rows: list[dict[str, float]] = []
    lock = threading.Lock()
    left = iter(range(requests))

    def ask(client: httpx2.Client) -> dict[str, float]:
        start = time.perf_counter()
        answer = client.post(
            f"/v1/galleries/{GALLERY}/identify", files={"image": ("photograph.jpg", photograph)}
        )
        whole = (time.perf_counter() - start) * 1e3
        answer.raise_for_status()
        timings = answer.json()["timings_ms"]
        row = {stage: timings[stage] for stage in STAGES}
        return row | {"rest": whole - sum(row.values()), "whole": whole}

    def work() -> None:
        with httpx2.Client(base_url=base, timeout=60) as client:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                row = ask(client)
                with lock:
                    rows.append(row)

    with httpx2.Client(base_url=base, timeout=60) as client:
        for _ in track(range(10), description="Warming up", transient=True):
            ask(client)
    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    percentiles = {
        name: dict(
            zip(
                ("p50", "p95"),
                np.percentile([r[name] for r in rows], [50, 95]).round(2).tolist(),
                strict=True,
            )
        )
        for name in (*STAGES, "rest", "whole")
    }
    share = float(np.median([row["rest"] / row["whole"] for row in rows]))
    return {
        "clients": clients,
        "requests": len(rows),
        "requests_per_s": round(len(rows) / seconds, 2),
        "rest_share": round(share, 4),
        "ms": percentiles,
    }


def over_stages(base: str, settings: Settings, requests: int, photograph: bytes) -> dict[str, float]:
    """Medians in milliseconds: over HTTP, in-process, and the sum of all stages in-process. The form is
    written once: the client's library takes more than a millisecond for it."""
    http, in_process, stages = [], [], []
    path = f"/v1/galleries/{GALLERY}/identify"
    form = httpx2.Request("POST", base + path, files={"image": ("photograph.jpg", photograph)})
    body, headers = form.read(), {"Content-Type": form.headers["Content-Type"]}
    with open_engine(settings) as engine, httpx2.Client(base_url=base, timeout=60) as client:
        for number in track(range(10 + requests), description="In-process", transient=True):
            start = time.perf_counter()
            client.post(path, content=body, headers=headers).raise_for_status()
            between = time.perf_counter()
            timings = engine.identifier.identify(GALLERY, photograph).timings_ms
            end = time.perf_counter()
            if number >= 10:  # the first ones open the index and warm up
                http.append((between - start) * 1e3)
                in_process.append((end - between) * 1e3)
                stages.append(sum(value for stage, value in timings.items() if stage != "total"))
    medians = {
        "http_ms": float(np.median(http)),
        "in_process_ms": float(np.median(in_process)),
        "stages_ms": float(np.median(stages)),
    }
    return medians | {"http_over_stages": medians["http_ms"] / medians["stages_ms"]}


def table(figures: dict[str, Any], size: int) -> Table:
    title = (
        f"{figures['clients']} client(s), gallery of {size:,}: {figures['requests_per_s']} requests/s,"
        f" rest {figures['rest_share']:.1%} of the whole"
    )
    made = Table(
        "Stage", "p50 ms", "p95 ms", title=title, title_justify="left", title_style="bold", min_width=60
    )
    for name, values in figures["ms"].items():
        made.add_row(
            name, f"{values['p50']:.2f}", f"{values['p95']:.2f}", end_section=name in ("search", "rest")
        )
    return made


if __name__ == "__main__":
    main()
