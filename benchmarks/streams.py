"""What a stream and `gemel identify --json-lines` identify in a second, against the networks alone.

    python -m benchmarks.streams FOLDER [--rounds 3] [--photographs 200] [--faces 10000]

The same photographs in each round, one way after the other: the networks (decode, detect, align, embed) on
two threads more than there are cores, a stream to a server of its own, and the command. Of the stream and the
command, the time between the first answer and the last one counts, so that no start does. Processor time is
that of all processes but PostgreSQL, the client among them, and of the command's start too.
"""

import argparse
import base64
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import psutil

from benchmarks.gallery import GALLERY, filled
from benchmarks.server import ready_server
from indexer.pipeline import people_folder
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photographs", type=int, default=200)
    parser.add_argument("--faces", type=int, default=10_000, help="size of the gallery")
    options = parser.parse_args()
    people = people_folder.people_in(options.folder)
    files = [image for person in people for image in person.images][: options.photographs]
    with (
        filled(options.faces) as (home, url, _),
        open_pipeline(Settings(home=home, log_level="warning")) as pipeline,
        ready_server(url, home) as base,
    ):
        ways: dict[str, Callable[[], float]] = {
            "networks": lambda: _networks(pipeline, files),
            "stream": lambda: _stream(base, files),
            "gemel identify": lambda: _command(url, home, files),
        }
        _stream(base, files[:40])  # opens the index
        measured: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for _ in range(options.rounds):
            for way, run in ways.items():
                before = _processor_seconds()
                seconds = run()
                measured[way].append((seconds, _processor_seconds() - before))
    print(f"{len(files)} photographs, {options.faces} faces, {options.rounds} rounds, medians")
    print(f"{'':16}{'photographs/s':>14}{'of the networks':>17}{'ms of processor each':>22}")
    alone = median(seconds for seconds, _ in measured["networks"])
    for way, figures in measured.items():
        seconds, processor = (median(column) for column in zip(*figures, strict=True))
        rate = (len(files) - (way != "networks")) / seconds
        print(f"{way:16}{rate:14.1f}{rate * alone / len(files):17.1%}{1e3 * processor / len(files):22.1f}")


def _networks(pipeline: Pipeline, files: list[Path]) -> float:
    def embed(path: Path) -> None:
        found = pipeline.detect(path.read_bytes(), Stopwatch(), max_faces=1)
        pipeline.embed(found.faces, Stopwatch())

    start = time.perf_counter()
    with ThreadPoolExecutor((os.cpu_count() or 1) + 2) as pool:
        list(pool.map(embed, files))
    return time.perf_counter() - start


def _stream(base: str, files: list[Path]) -> float:
    url = urlsplit(base)
    with socket.create_connection((url.hostname or "", url.port or 80)) as connection:
        head = (
            f"POST /v1/galleries/{GALLERY}/identify/stream HTTP/1.1\r\nHost: {url.hostname}\r\n"
            "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        connection.sendall(head.encode())

        def send() -> None:
            for path in files:
                image = base64.b64encode(path.read_bytes()).decode()
                line = json.dumps({"image": image}).encode() + b"\n"
                connection.sendall(b"%x\r\n%b\r\n" % (len(line), line))
            connection.sendall(b"0\r\n\r\n")

        sending = threading.Thread(target=send)
        sending.start()
        seconds = _between(connection.makefile("rb"), len(files))
        sending.join()
    return seconds


def _command(url: str, home: Path, files: list[Path]) -> float:
    gemel = Path(sys.executable).parent / "gemel"
    command: list[str | Path] = [gemel, "identify", *files, "--gallery", GALLERY, "--json-lines"]
    variables = {"GEMEL_DATABASE_URL": url, "GEMEL_HOME": str(home), "GEMEL_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        command, env=os.environ | variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        seconds = _between(process.stdout, len(files))
        process.stdout.read()
    return seconds


def _between(lines: Iterable[bytes], count: int) -> float:
    """Seconds from the first answer to the last one."""
    answers = first = 0.0
    for line in lines:
        if line.startswith(b"{"):
            first = first or time.perf_counter()
            answers += 1
            if answers == count:
                return time.perf_counter() - first
    raise SystemExit(f"{answers:.0f} answers to {count} photographs")


def _processor_seconds() -> float:
    """Of this process and of all that it started, also of those that have ended."""
    own = psutil.Process()
    total = sum(own.cpu_times()[:4])
    for child in own.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


if __name__ == "__main__":
    main()
