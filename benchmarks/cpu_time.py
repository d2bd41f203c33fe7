"""Where an identification's processor time goes: milliseconds in each library and process, sampled by `perf`.

    python -m benchmarks.cpu_time --requests 400 --py-spy .venv/bin/py-spy

Eight clients send photographs to a server of their own, as in `benchmarks.identify`. Processor time depends
little on what else the machine does, unlike the time that a client waits. With py-spy (`pip install py-spy`)
a second run divides the interpreter's share by the packages whose code held Python's global lock.
"""

import argparse
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.identify import measure
from benchmarks.server import ready_server

HERTZ = 499
WARM_UPS = 10
"""Requests that `measure` sends first; they are sampled too."""

LIBRARIES = {
    "networks (OpenVINO, torch)": r"openvino|libtbb|libtorch|libc10|libgomp\.so|^\[JIT\]|anon",
    "OpenCV": r"cv2",
    "Pillow": r"libjpeg|_imaging|libpng|libwebp|heif|avif",
    "FAISS": r"faiss|libgomp-|openblas",
    "NumPy": r"_multiarray",
    "Python": r"libpython|/?python3?(\.\d+)?$",
    "HTTP and JSON": r"^(loop|parser|url_parser)\.|pydantic|orjson",
    "PostgreSQL's driver": r"psycopg|libpq|sqlalchemy|_cy\.",
    "C library": r"libc\.|libstdc|libm\.|ld-linux|vdso|pthread",
    "kernel": r"kernel|\[k\]",
}
PACKAGES = {
    "decode": r"indexer/vision/decoding|PIL/",
    "detect": r"indexer/vision/(detect|yunet)",
    "align, quality": r"indexer/vision/",
    "embed": r"indexer/embedding/",
    "search": r"indexer/index/",
    "SQL": r"sqlalchemy/|indexer/records/",
    "HTTP": r"uvicorn/|starlette/|fastapi/|multipart|anyio/|service/|asyncio/",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000, help="size of the gallery")
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--py-spy", type=Path, help="the program py-spy")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if shutil.which("perf") is None:
        sys.exit("This needs the program perf (Debian: linux-perf).")
    count, clients = arguments.requests, arguments.clients
    with filled(arguments.faces) as (home, url, _), ready_server(url, home) as base:
        _wait_for_index(base)
        measure(base, clients, 50)
        postmaster = int((home / "postgresql" / "postmaster.pid").read_text().split()[0])
        (server,) = [p for p in psutil.Process().children() if p.pid != postmaster and "serve" in p.cmdline()]
        with recorded(server.pid, postmaster) as samples:
            run = measure(base, clients, count)
        packages: Counter[str] = Counter()
        if arguments.py_spy:
            with divided(arguments.py_spy, server.pid) as packages:
                measure(base, clients, count)
    answers = run["requests"] + WARM_UPS
    milliseconds = {name: round(number / HERTZ * 1e3 / answers, 2) for name, number in samples.most_common()}
    shares = {name: round(number / packages.total(), 3) for name, number in packages.most_common()}
    _print(milliseconds, shares, run["requests_per_s"])
    if arguments.json:
        figures = {"run": run, "milliseconds": milliseconds, "python_shares": shares}
        arguments.json.write_text(json.dumps(figures, indent=2))


@contextmanager
def recorded(server: int, postmaster: int) -> Iterator[Counter[str]]:
    """Counts samples by library and process while the body runs; full when it has ended."""
    samples: Counter[str] = Counter()
    processes = [psutil.Process(), *_with_children(server), *_with_children(postmaster)]
    roles = {psutil.Process().name(): "client", psutil.Process(postmaster).name(): "PostgreSQL"}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "perf.data"
        pids = ",".join(str(process.pid) for process in processes)
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-o", str(file), "-p", pids]
        perf = subprocess.Popen(command)
        time.sleep(1)  # perf attaches to each thread
        yield samples
        perf.send_signal(signal.SIGINT)
        perf.wait()
        command = ["perf", "report", "-i", str(file), "--stdio", "-q", "-n", "--sort", "comm,dso", "-t", "|"]
        report = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for line in filter(None, map(str.strip, report.splitlines())):
        _, number, process, library = (part.strip() for part in line.split("|"))
        name = roles.get(process) or _first(LIBRARIES, library) or "other"
        samples[name] += int(number)


@contextmanager
def divided(py_spy: Path, pid: int) -> Iterator[Counter[str]]:
    """Counts samples of the thread that holds Python's global lock, by package, while the body runs."""
    packages: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stacks"
        command = [str(py_spy), "record", "--gil", "--nonblocking", "-r", "200", "-d", "3600", "-f", "raw"]
        spy = subprocess.Popen([*command, "-o", str(file), "-p", str(pid)], stdout=subprocess.DEVNULL)
        yield packages
        spy.send_signal(signal.SIGINT)
        spy.wait()
        for line in file.read_text().splitlines():
            stack, number = line.rsplit(" ", 1)
            packages[_first(PACKAGES, stack) or "other"] += int(number)


def _with_children(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _first(patterns: dict[str, str], text: str) -> str | None:
    return next((name for name, pattern in patterns.items() if re.search(pattern, text)), None)


def _wait_for_index(base: str) -> None:
    """A gallery whose index is still being built answers 503."""
    files = {"image": ("photograph.jpg", one_face_640x480())}
    with httpx2.Client(base_url=base, timeout=60) as client:
        while client.post(f"/v1/galleries/{GALLERY}/identify", files=files).status_code == 503:
            time.sleep(1)


def _print(milliseconds: dict[str, float], shares: dict[str, float], rate: float) -> None:
    console = Console()
    title = f"{sum(milliseconds.values()):.1f} ms an identification, at {rate} a second"
    table = Table("Process or library", "CPU ms", title=title, title_justify="left", min_width=60)
    for name, value in milliseconds.items():
        table.add_row(name, f"{value:.2f}")
    console.print(table)
    if shares:
        table = Table("Package, of the interpreter", "share", min_width=60)
        for name, value in shares.items():
            table.add_row(name, f"{value:.1%}")
        console.print(table)


if __name__ == "__main__":
    main()
