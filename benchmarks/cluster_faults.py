"""A gallery in shards while machines are killed, stopped, slowed down and cut off, one after another.

    python -m benchmarks.cluster_faults --json FILE

Each machine is a network namespace (`benchmarks.machines`): a head of Ray, four nodes for three shards with
two copies each, and one that searches (`benchmarks.sharding.workload`). Its workers enrol people, give them a
second photograph, move it to somebody else, delete people and search all the while, and each compares each
answer with a dictionary of its own. An answer that comes must be right; what fails is an error. `recovery_s`
is the time from the fault to the first answer after the last error, 0 without any. At the end every
photograph is searched for once more, and the digests of the shards must add up to PostgreSQL's.
"""

import argparse
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.machines.machine import Machine
from benchmarks.machines.network import Network, missing
from benchmarks.machines.postgresql import kill_postgresql, reachable_postgresql, start_again
from benchmarks.sharding.fault_run import Fault, Run, counted
from indexer.records.database import schema
from indexer.records.database.session import Database

SLOW_MS = 100.0


def each(action: Callable[[Machine], object], machines: Sequence[Machine]) -> None:
    for machine in machines:
        action(machine)


def faults(run: Run) -> Iterator[Fault]:
    """Those that depend on where the shards are look there when it is their turn."""
    ray = run.ray

    def killed(name: str, *machines: Machine, seconds: float = 15) -> Fault:
        return Fault(
            name=f"kill -9 of {name}",
            begin=lambda: each(Machine.kill, machines),
            end=lambda: each(ray.start, machines),
            seconds=seconds,
        )

    for number, machine in enumerate(ray.holding, 1):
        yield killed(f"node {number}", machine)
    yield killed("both copies of one shard", *run.with_both_copies())
    yield killed("the head", ray.head)
    yield Fault(
        name="kill -9 of PostgreSQL",
        begin=lambda: kill_postgresql(run.home / "db"),
        end=lambda: start_again(run.home / "db", run.network),
        seconds=3,
    )
    stopped = ray.holding[0]
    yield Fault(
        name="a node stops (SIGSTOP)",
        begin=lambda: stopped.send(signal.SIGSTOP),
        end=lambda: stopped.send(signal.SIGCONT),
        seconds=20,
    )
    slow = ray.holding[-1]
    yield Fault(
        name=f"a node is {2 * SLOW_MS:.0f} ms further away",
        begin=lambda: slow.slow_down(SLOW_MS),
        end=lambda: slow.slow_down(0),
        seconds=20,
    )
    for name, machine in (("a node", ray.holding[1]), ("the head", ray.head)):
        yield Fault(
            name=f"the network loses {name}",
            begin=machine.cut_off,
            end=machine.plug_in,
            seconds=20,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", metavar="WORD", help="only faults with one of these in the name")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    if (problem := missing()) is not None:
        raise SystemExit(problem)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-machines-")))
        home.chmod(0o755)
        network = stack.enter_context(Network())
        url = stack.enter_context(reachable_postgresql(home / "db", network))
        database = Database(url)
        schema.migrate(database)
        database.close()
        run = Run(home, network, url)
        run.start()
        rows = []
        for fault in faults(run):
            if not arguments.only or any(word in fault.name for word in arguments.only):
                rows.append(run.inflict(fault))
                Console().print(rows[-1])
        result = run.result()
        whole = counted(run.notes, 0)
        del whole["recovery_s"]  # of one fault, not of all
    figures = {"cores": os.cpu_count(), "faults": rows, "whole": whole, "end": result}
    show(figures)
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def show(figures: dict[str, Any]) -> None:
    table = Table("Fault", "Searches", "Wrong", "Failed", "Recovery s", "Longest answer s", "Well again")
    for row in figures["faults"]:
        table.add_row(
            row["fault"],
            str(row["searches"]),
            str(row["wrong"]),
            str(row["search_errors"]),
            f"{row['recovery_s']:.1f}",
            f"{row['longest_answer_s']:.1f}",
            "yes" if row["recovered"] else "no",
        )
    console = Console()
    console.print(table)
    console.print(figures["whole"])
    console.print(figures["end"])


if __name__ == "__main__":
    main()
