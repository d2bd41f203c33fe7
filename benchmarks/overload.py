"""What clients get when ten times as many requests arrive as a server can answer.

Identifications of one 640 x 480 photograph go to a server of its own: by one client (unloaded), by eight that
each wait for the answer (whose throughput is the capacity), and at a multiple of the capacity whether or not
answers come (open loop). The same with load shedding turned off. The process that sends shares the machine's
cores with the server: the figures of the overload include its work.
"""

import argparse
import json
import os
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

from benchmarks.gallery import GALLERY, filled, one_face_640x480
from benchmarks.open_loop import Load, send
from benchmarks.server import Server, readiness, serve

REJECTIONS = (429, 503)
FIGURES = {
    "offered_per_s": "requests a second",
    "accepted_per_s": "answered with 200, a second",
    "p50_ms": "their p50, ms",
    "p95_ms": "their p95, ms",
    "max_ms": "their maximum, ms",
    "rejected": "rejected, by status",
    "rejection_p95_ms": "p95 of a 503, ms",
    "errors": "other statuses, or no answer",
    "unsent": "not sent: no free connection",
    "server_cores": "cores that the server used",
    "resident_mb": "its resident size, MB",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=10_000, help="size of the gallery")
    parser.add_argument("--seconds", type=float, default=20, help="length of each load")
    parser.add_argument("--times", type=float, default=10, help="the overload, as a multiple of the capacity")
    parser.add_argument("--admit", type=int, action="append", help="GEMEL_OVERLOAD_REQUESTS; repeatable")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    figures = []
    with filled(arguments.faces) as (home, url, _):
        settings: list[dict[str, str]] = [
            {"GEMEL_OVERLOAD_REQUESTS": str(count)} for count in arguments.admit or ()
        ] or [{}, {"GEMEL_OVERLOAD_REQUESTS": "64"}]
        for each in settings:
            with serve(url, home, settings=each) as server:
                server.wait(readiness)
                figures.append(each | measure(server, arguments.seconds, arguments.times))
                Console().print(table(figures[-1], each, arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps({"cores": os.cpu_count(), "runs": figures}, indent=2))


def measure(server: Server, seconds: float, times: float) -> dict[str, Any]:
    request = prepared_request(GALLERY)
    rows: dict[str, Any] = {}

    def load(name: str, rate: float | None = None, clients: int = 1, seconds: float = seconds) -> float:
        before = server.resident_bytes
        cpu = _processor_seconds(server.process.pid)
        answers = send(Load(port=server.port, request=request, seconds=seconds, rate=rate, clients=clients))
        cpu = _processor_seconds(server.process.pid) - cpu
        counts = {status: len(ms) for status, ms in sorted(answers.ms.items())}
        rows[name] = {
            "offered_per_s": round((sum(counts.values()) + answers.unsent) / seconds, 1),
            "accepted_per_s": round(answers.count(200) / seconds, 1),
            "p50_ms": round(answers.percentile(50), 1),
            "p95_ms": round(answers.percentile(95), 1),
            "max_ms": round(answers.percentile(100), 1),
            "rejected": {str(status): count for status, count in counts.items() if status in REJECTIONS},
            "rejection_p95_ms": round(answers.percentile(95, 503), 1),
            "errors": sum(n for status, n in counts.items() if status not in (200, *REJECTIONS)),
            "unsent": answers.unsent,
            "server_cores": round(cpu / seconds, 2),
            "resident_mb": [round(before / 1e6), round(server.resident_bytes / 1e6)],
        }
        return answers.count(200) / seconds

    load("warming up", clients=8, seconds=3)
    rows.clear()
    load("1 client")
    capacity = load("8 clients", clients=8)
    load(f"{times:g} x capacity", rate=times * capacity)
    load("8 clients, after it", clients=8)
    return {"rows": rows}


def table(figures: dict[str, Any], settings: dict[str, str], arguments: argparse.Namespace) -> Table:
    title = f"{settings or 'default'}, gallery of {arguments.faces:,}"
    shown = Table("", *figures["rows"], title=title, title_justify="left", title_style="bold")
    for key, label in FIGURES.items():
        shown.add_row(label, *(_cell(row[key]) for row in figures["rows"].values()))
    return shown


def _cell(value: object) -> str:
    match value:
        case dict():
            return ", ".join(f"{status}: {count:,}" for status, count in value.items()) or "0"
        case [start, end]:
            return f"{start} to {end}"
        case _:
            return f"{value}"


def prepared_request(gallery: str) -> bytes:
    """An identification, as the bytes that are sent."""
    form = httpx2.Request(
        "POST",
        f"http://127.0.0.1/v1/galleries/{gallery}/identify",
        files={"image": ("photograph.jpg", one_face_640x480(), "image/jpeg")},
    )
    body = form.read()
    lines = [
        f"POST {form.url.path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {form.headers['Content-Type']}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
