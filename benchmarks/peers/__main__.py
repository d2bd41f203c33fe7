"""Gemel beside libraries for the same work: the same photographs, the same machine, one run.

People of LFW are enrolled with one photograph each. Other photographs of some of them are identified, by one
client and by eight. A probe without a face found is a miss, and so is one of a person who was not enrolled.
Each contender runs in a process of its own and may use all cores. A contender that cannot run is named with
the reason. The libraries need an environment of their own, because they bring another OpenCV along:

    python -m venv PEERS
    PEERS/bin/pip install --no-deps -r benchmarks/peers/requirements.txt
    python -m benchmarks.peers --data LFW --python PEERS/bin/python --json peers.json --plot peers.png
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.peers import weights
from benchmarks.peers.plot import draw
from benchmarks.peers.table import TITLES, Row, markdown, table, title
from benchmarks.peers.task import PEOPLE, PROBES, pose, write
from indexer.evaluation.lfw import read_people

ROOT = Path(__file__).parents[2]
WIDTH = 160
"""Width in columns of a table that is written to a file."""


def main() -> None:
    arguments = _parser().parse_args()
    run: dict[str, Any] = json.loads(arguments.rows.read_text("utf-8")) if arguments.rows else _run(arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(run, indent=2) + "\n", "utf-8")
    if arguments.plot:
        draw(run["rows"], arguments.plot)
    if arguments.markdown:
        print("\n".join(markdown(run["rows"])))
        return
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table(run["rows"]))


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.data is None:
        raise SystemExit("--data or --rows is required")
    people = {person.name: person.images for person in read_people(arguments.data)}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        tempfile.TemporaryDirectory(prefix="gemel-bench-") as folder,
        Progress(*columns, console=Console(stderr=True)) as progress,  # stdout carries results only
    ):
        home = Path(folder)
        weights.write(home)
        write(pose(people, people=arguments.people, probes=arguments.probes), home / "task.json")
        rows = []
        for name in arguments.only:
            task = progress.add_task(title({"name": name}), total=1)
            rows.append(measure(name, sys.executable if name == "gemel" else arguments.python, home))
            progress.update(task, completed=1)
    return {"machine": _machine(), "cores": os.cpu_count(), "rows": rows}


def measure(name: str, python: str, home: Path) -> Row:
    """The contender's row, measured in a process of the interpreter `python`; says why if there is none.

    `home`: holds the weights and `task.json`.
    """
    result = home / f"{name}.json"
    process = subprocess.run(
        [python, "-m", "benchmarks.peers.process", name, home / "task.json", home, result],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if process.returncode == 0:
        row: Row = json.loads(result.read_text("utf-8"))
        return row
    lines = [line for line in process.stderr.splitlines() if line.strip()]
    return {"name": name, "missing": lines[-1] if lines else f"exit status {process.returncode}"}


def _machine() -> str:
    """The name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, help="LFW: one folder per person")
    parser.add_argument("--python", default=sys.executable, help="the interpreter with the libraries")
    parser.add_argument("--people", type=int, default=PEOPLE, help="number of people who are enrolled")
    parser.add_argument("--probes", type=int, default=PROBES, help="number of people who are identified")
    parser.add_argument(
        "--only", type=_names, default=list(TITLES), help=f"separated by commas, of {', '.join(TITLES)}"
    )
    parser.add_argument("--json", type=Path, help="write the figures and the machine here")
    parser.add_argument("--plot", type=Path, help="draw the bars here, a PNG")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--rows", type=Path, help="show figures that --json wrote; measure nothing")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    if not set(names) <= set(TITLES):
        raise argparse.ArgumentTypeError(f"not of {', '.join(TITLES)}: {text}")
    return names


if __name__ == "__main__":
    main()
