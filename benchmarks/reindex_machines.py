"""Re-embedding over machines: `gemel worker` on 1, 2, 4 and 8 of them, and a run in which they are killed.

    python -m benchmarks.reindex_machines --data LFW --json FILE

A machine is a network namespace with an address of its own (`benchmarks.machines`), which reaches the one
PostgreSQL over TCP. So that machines do not take each other's time on a computer of few cores, each may use
only `--cores` of one. A line of the table is the rate of so many machines while all of them work; the times
in which they start are not in it. `benchmarks.reindex` fills the gallery.

The last run has no limit, and one machine after another is killed and started again, until the gallery is
done. A trigger notes each embedding that is written and from which address, so that one that is written
twice shows. The vectors are then compared with those that this process computes itself.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from benchmarks.machines.gemel import start_gemel, waits_for_work
from benchmarks.machines.network import Network, missing
from benchmarks.machines.postgresql import reachable_postgresql
from benchmarks.machines.reindexing import WATCH, Reindexing, Sample, outcome
from benchmarks.reindex import filled_gallery
from indexer.records import embedded
from indexer.records.database import schema
from indexer.records.database.session import Database
from indexer.reindex import status
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline_factory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="a folder of people, as LFW")
    parser.add_argument("--faces", type=int, default=20_000, help="of the gallery; too few end a run early")
    parser.add_argument("--killed-faces", type=int, default=3_000, help="of the run with kills")
    parser.add_argument("--machines", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--cores", type=float, default=0.15, help="of the processor, for each machine")
    parser.add_argument("--seconds", type=float, default=60.0, help="for which each rate is measured")
    parser.add_argument("--kill-every", type=int, default=150, metavar="FACES", help="kill one so often")
    parser.add_argument("--to", default="dlib-resnet", metavar="MODEL")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if (problem := missing()) is not None:
        raise SystemExit(problem)
    with tempfile.TemporaryDirectory(prefix="gemel-machines-") as folder:
        Path(folder).chmod(0o755)
        filled = fill(Path(folder) / "filled", arguments.data, arguments.faces)
        rows = [rate(filled, count, arguments) for count in arguments.machines]
        few = fill(Path(folder) / "few", arguments.data, arguments.killed_faces)
        killed = killed_run(
            few, max(arguments.machines or [8]), to=arguments.to, kill_every=arguments.kill_every
        )
    print_tables(rows, killed, arguments)
    if arguments.json:
        figures = {"cores": os.cpu_count(), "cores_of_a_machine": arguments.cores}
        figures |= {"rates": rows, "killed": killed}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def fill(home: Path, data: Path, faces: int) -> Path:
    """A folder with a stopped PostgreSQL, in it a gallery of so many faces whose embeddings are watched."""
    settings = Settings(home=home, database_url=embedded.start(home))
    database = Database(str(settings.database_url))
    try:
        schema.migrate(database)
        filled_gallery(settings, database, data, faces)
        with database.transaction() as session:
            for statement in WATCH:
                session.execute(text(statement))
    finally:
        database.close()
        embedded.stop(home)
    return home


def on_copy(filled: Path, to: str, run: Callable[[Reindexing], dict[str, Any]]) -> dict[str, Any]:
    """Calls `run` with a copy of the filled PostgreSQL that machines can reach."""
    with tempfile.TemporaryDirectory(dir=filled.parent) as folder, Network() as network:
        home = Path(folder)
        home.chmod(0o755)
        (home / "db").mkdir()
        subprocess.run(["cp", "-a", filled / "postgresql", home / "db"], check=True)
        with reachable_postgresql(home / "db", network) as url:
            settings = Settings(home=home / "here", database_url=url)
            with open_pipeline_factory(settings) as factory:
                reindexing = Reindexing(home, url, network, factory, to)
                try:
                    return run(reindexing)
                finally:
                    reindexing.database.close()


def rate(filled: Path, count: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Faces a second of `count` machines that all work."""

    def run(reindexing: Reindexing) -> dict[str, Any]:
        machines = [reindexing.network.machine(reindexing.home / f"machine{n}") for n in range(count)]
        for machine in machines:
            start_gemel(machine, reindexing.url, "worker")
        _until(lambda: all(waits_for_work(machine) for machine in machines))
        job = reindexing.start_job()
        for machine in machines:
            machine.limit(arguments.cores)
        _until(lambda: reindexing.addresses() >= {machine.address for machine in machines})
        before = reindexing.sample(machines)
        time.sleep(arguments.seconds)
        after = reindexing.sample(machines)
        if reindexing.job(job).row.state != "embedding":
            raise SystemExit("the gallery was done too soon: more --faces, or fewer --seconds")
        return _rate(count, before, after)

    return on_copy(filled, arguments.to, run)


def killed_run(
    filled: Path,
    count: int,
    *,
    to: str,
    kill_every: int,
    killed: Callable[[Database], object] = lambda _: None,
) -> dict[str, Any]:
    """A whole gallery, while one machine after another is killed and started again.

    `kill_every`: faces that are embedded between two kills. `killed`: is called after each.
    """

    def run(reindexing: Reindexing) -> dict[str, Any]:
        order = random.Random(0)
        machines = [reindexing.network.machine(reindexing.home / f"machine{n}") for n in range(count)]
        for machine in machines:
            start_gemel(machine, reindexing.url, "worker")
        began = time.perf_counter()
        job, kills = reindexing.start_job(), 0
        while not status.waits_or_ended(now := reindexing.job(job)):
            if now.row.state == "embedding" and reindexing.written() >= (kills + 1) * kill_every:
                machine = order.choice(machines)
                machine.kill()
                killed(reindexing.database)
                start_gemel(machine, reindexing.url, "worker")
                kills += 1
            time.sleep(0.1)
        seconds = time.perf_counter() - began
        for machine in machines:
            machine.kill()
        return {"machines": count, "kills": kills, "seconds": round(seconds, 1)} | outcome(reindexing, job)

    return on_copy(filled, to, run)


def _rate(count: int, before: Sample, after: Sample) -> dict[str, Any]:
    faces, seconds = after.written - before.written, after.at - before.at
    return {
        "machines": count,
        "faces_per_second": round(faces / seconds, 2),
        "cores_used": round((after.worker_seconds - before.worker_seconds) / seconds, 3),
        "worker_ms_a_face": round(1e3 * (after.worker_seconds - before.worker_seconds) / faces, 2),
        "postgresql_ms_a_face": round(
            1e3 * (after.postgresql_seconds - before.postgresql_seconds) / faces, 3
        ),
    }


def print_tables(rows: list[dict[str, Any]], killed: dict[str, Any], arguments: argparse.Namespace) -> None:
    console = Console()
    if rows:
        table = Table("Machines", "Faces a second", "Times one", "Worker ms a face", "PostgreSQL ms a face")
        for row in rows:
            table.add_row(
                str(row["machines"]),
                f"{row['faces_per_second']:.1f}",
                f"{row['faces_per_second'] / rows[0]['faces_per_second']:.2f}",
                f"{row['worker_ms_a_face']:.1f}",
                f"{row['postgresql_ms_a_face']:.2f}",
            )
        console.print(table)
        last = rows[-1]
        console.print(
            f"Each machine had {arguments.cores} of a core. Estimate for machines that share none: a core"
            f" embeds {1e3 / last['worker_ms_a_face']:.0f} faces a second, and one core of PostgreSQL is busy"
            f" with {last['worker_ms_a_face'] / last['postgresql_ms_a_face']:.0f} such cores."
        )
    console.print(killed)


def _until(condition: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("the machines did not begin in time")
        time.sleep(0.2)


if __name__ == "__main__":
    main()
