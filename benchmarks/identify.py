"""How long each stage of an identification takes, over HTTP, in a gallery of 100,000.

One client, then eight, send a 640 x 480 photograph of one face to a server of their own with an embedded
PostgreSQL of its own. "Rest" is the time beyond the stages that the answer names: HTTP, multipart, JSON and
the database. Clients and server share the machine's cores.
"""

import argparse
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import matplotlib
import numpy as np
import PIL.Image
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sqlalchemy import text

from indexer.embedding.catalog import sface
from indexer.records import embedded, galleries, models
from indexer.records.database import schema
from indexer.records.database.session import Database, Session

STAGES = ("decode", "detect", "align", "embed", "search")
GALLERY = "bench"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000, help="size of the gallery")
    parser.add_argument("--requests", type=int, default=200, help="requests of each client count")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    console = Console()
    console.print(f"Filling a gallery with {arguments.faces:,} faces ...")
    with filled(arguments.faces) as (home, url, _), server(url, home) as base:
        figures = [measure(base, clients, arguments.requests) for clients in (1, 8)]
    for row in figures:
        console.print(table(row, arguments.faces))
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"faces": arguments.faces, "cores": os.cpu_count(), "runs": figures}, indent=2)
        )


def measure(base: str, clients: int, requests: int) -> dict[str, Any]:
    """Milliseconds of each stage, p50 and p95, and requests a second."""
    photograph = one_face_640x480()
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


def one_face_640x480() -> bytes:
    """Grace Hopper (public domain, comes with Matplotlib) in the middle of a 640 x 480 JPEG."""
    file_name = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
    portrait = PIL.Image.open(file_name).convert("RGB").resize((410, 480))
    picture = portrait.resize((640, 480))
    picture = PIL.Image.blend(picture, PIL.Image.new("RGB", picture.size, "grey"), 0.7)
    picture.paste(portrait, (115, 0))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return file.getvalue()


@contextmanager
def filled(count: int) -> Iterator[tuple[Path, str, Database]]:
    """A temporary folder, in it a PostgreSQL with a gallery of `count` faces; and its URL."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        url = embedded.start(home)
        database = Database(url)
        stack.callback(database.close)
        schema.migrate(database)
        fill(database, count)
        yield home, url, database


def fill(database: Database, count: int) -> None:
    """Random people, one face each; straight into the tables, since only the searching is measured."""
    card = sface(mirror=True)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((count, card.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with database.transaction() as session:
        gallery = galleries.create(session, GALLERY)
        session.flush()
        model = models.register(session, card.fingerprint, card.dimension)
        keys = _people(session, gallery.id, count)
        for start in range(0, count, 10_000):
            session.execute(
                text("INSERT INTO embedding (face_key, model_id, vector) VALUES (:key, :model, :vector)"),
                [
                    {"key": key, "model": model, "vector": vector.tobytes()}
                    for key, vector in zip(
                        keys[start : start + 10_000], vectors[start : start + 10_000], strict=True
                    )
                ],
            )


def _people(session: Session, gallery: UUID, count: int) -> list[int]:
    arguments = {"gallery": gallery, "count": count}
    for statement in (
        "INSERT INTO identity (id, gallery_id, name) SELECT gen_random_uuid(), :gallery, 'Person ' || i"
        " FROM generate_series(1, :count) i",
        "INSERT INTO face (key, id, identity_id, box, landmarks, confidence, quality, quality_components,"
        " image_sha256) SELECT row_number() OVER (), gen_random_uuid(), id, array_fill(0::real, '{4}'),"
        " array_fill(0::real, '{10}'), 1, 100, '{}', sha256(id::text::bytea)"
        " FROM identity WHERE gallery_id = :gallery",
        "UPDATE gallery SET change_number = :count, change_token = gen_random_uuid(), face_count = :count"
        " WHERE id = :gallery",
    ):
        session.execute(text(statement), arguments)
    return list(session.scalars(text("SELECT key FROM face ORDER BY key")))


@contextmanager
def server(url: str, home: Path) -> Iterator[str]:
    """Address of a `gemel serve` of its own, ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [Path(sys.executable).parent / "gemel", "serve", "--port", str(port)],
        env=os.environ | {"GEMEL_HOME": str(home), "GEMEL_DATABASE_URL": url, "GEMEL_LOG_LEVEL": "warning"},
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            if process.poll() is not None:
                raise SystemExit(f"the server ended with status {process.returncode}")
            try:
                if httpx2.get(f"{base}/readyz", timeout=5).status_code == 200:
                    break
            except httpx2.TransportError:
                time.sleep(0.2)
        yield base
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()
