"""Models are switched while clients use the service: does a request fail, or an answer mix two models?

    python -m benchmarks.switching --data LFW --newcomers CELEBA_SMALL --onnx MODEL.onnx

All of --data is enrolled with dlib-resnet. Then the gallery is switched to sface, back, to sface again, and
to an ONNX model of another dimension, while clients identify, enrol and delete without a pause. In each phase
some people with two or more faces are searched for while one of their faces is deleted, and enrolled again
afterwards (leave-one-out, through the API). The printed rank-1 is theirs.

An answer is mixed if it names a model but its scores are those of another. The scores of each probe are noted
while no switch is near, and every answer is compared with those of the model that it names.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy import text

from benchmarks.server import ready_server
from benchmarks.switching import photographs
from benchmarks.switching.clients import Answer, Clients
from benchmarks.switching.service import GALLERY, SETTLING_SECONDS, Service, Swap, console
from indexer.records import embedded
from indexer.records.database.session import Database

FIRST = "dlib-resnet"
_GEMEL = str(Path(sys.executable).parent / "gemel")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.switching",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder with one folder per person")
    parser.add_argument("--newcomers", type=Path, required=True, help="photographs and their identities.csv")
    parser.add_argument("--onnx", type=Path, required=True, help="network with a card, for the last switch")
    parser.add_argument("--home", type=Path, help="folder to use and keep; default: a temporary one")
    parser.add_argument("--workers", type=int, default=2, help="number of server processes")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = arguments.home or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        figures = measure(home, arguments, stack)
    console.print(table(figures))
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    if figures["failed"] or figures["mixed"] or any(phase["lost"] for phase in figures["phases"]):
        raise SystemExit(1)


def measure(home: Path, arguments: argparse.Namespace, stack: ExitStack) -> dict[str, Any]:
    _enrolled(home, arguments.data)
    url = embedded.start(home)
    database = Database(url)
    stack.callback(database.close)
    probes, left_out = photographs.enrolled(database, arguments.data)
    os.environ["GEMEL_WORKERS"] = str(arguments.workers)
    base = stack.enter_context(ready_server(url, home))
    stack.enter_context(_worker(home, url))
    clients = stack.enter_context(
        Clients(
            f"{base}/v1/galleries/{GALLERY}/",
            probes,
            photographs.newcomers(arguments.newcomers),
            identifying=2,
            pause=0.25,
        )
    )
    service = Service(base, clients, probes, left_out)
    phases = [service.phase("enrolled")]
    for name, to in (("", "sface"), ("back to ", ""), ("again ", ""), ("", f"onnx:{arguments.onnx}")):
        phases.append(service.swapped(name, to))
    with clients.notes.lock:
        notes = clients.notes
        return {
            "faces": _count(database),
            "cores": os.cpu_count(),
            "serving_processes": arguments.workers,
            "requests": notes.requests,
            "identifications": len(notes.answers),
            "enrolled_meanwhile": len(notes.enrolled) + len(notes.deleted),
            "deleted_meanwhile": len(notes.deleted),
            "photographs_rejected": notes.rejected,
            "failed": notes.failed,
            "compared": sum(service.comparable(answer) for answer in notes.answers),
            "mixed": service.mixed(notes.answers),
            "swaps": [_around(swap, notes.answers) for swap in service.swaps],
            "phases": phases,
        }


def table(figures: dict[str, Any]) -> Table:
    made = Table(
        "Phase", "Rank-1", "Newcomers found", "Embedding, s", "Swap, s", "Last answer of the old",
        title=f"{figures['faces']:,} faces, {figures['requests']:,} requests meanwhile:"
        f" {len(figures['failed'])} failed, {len(figures['mixed'])} mixed"
        f" (of {figures['compared']:,} compared)",
        title_justify="left",
        title_style="bold",
    )  # fmt: skip
    swaps = [None, *figures["swaps"]]
    for phase, swap in zip(figures["phases"], swaps, strict=True):
        found = phase["newcomers"] + phase["deleted"] - len(phase["lost"])
        made.add_row(
            phase["phase"],
            f"{phase['rank_1'] / phase['of']:.3f}",
            f"{found} of {phase['newcomers'] + phase['deleted']}",
            str(phase.get("seconds", "")),
            "" if swap is None else f"{swap['seconds']:.2f}",
            "" if swap is None else f"sent {swap['old_after_s']:+.2f} s",
        )
    return made


def _around(swap: Swap, answers: list[Answer]) -> dict[str, Any]:
    """`old_after_s`: when the last request that the old model answered was sent, seconds after the switch."""
    near = [one for one in answers if abs(one.sent - swap.answered) < 2 * SETTLING_SECONDS]
    old = [one.sent for one in near if one.model == swap.old and one.sent < swap.answered + SETTLING_SECONDS]
    return {
        "to": swap.name,
        "seconds": round(swap.answered - swap.requested, 3),
        "old_after_s": round(max(old) - swap.answered, 3),
        "answers_within_1s": sum(abs(one.answered - swap.answered) < 1 for one in near),
    }


def _enrolled(home: Path, data: Path) -> None:
    environment = os.environ | {"GEMEL_HOME": str(home), "GEMEL_MODEL": FIRST}
    subprocess.run([_GEMEL, "migrate"], env=environment, check=True)
    subprocess.run(
        [_GEMEL, "enrol", str(data), "--gallery", GALLERY, "--several-faces", "largest"],
        env=environment,
        check=True,
    )


def _count(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(text("SELECT face_count FROM gallery")) or 0)


@contextmanager
def _worker(home: Path, url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [_GEMEL, "worker"],
        env=os.environ | {"GEMEL_HOME": str(home), "GEMEL_DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


if __name__ == "__main__":
    main()
