"""Runs the parts one after the other; each row is written as soon as it is measured."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.gallery import one_face_640x480
from benchmarks.gpu import embedding, machine, search
from benchmarks.gpu.timing import Budget
from indexer.embedding.runtimes.fixed_batches import SIZES

_REINDEX_SECONDS = 60.0
"""For a start of PostgreSQL and the job, at least."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Gemel on an NVIDIA GPU")
    parser.add_argument("--only", nargs="+", choices=("embed", "search", "reindex"), help="parts to run")
    parser.add_argument("--budget-s", type=float, default=540, help="seconds for all parts together")
    parser.add_argument("--sizes", type=int, nargs="+", default=search.SIZES, help="faces of the galleries")
    parser.add_argument("--faces", type=int, default=100_000, help="faces of the re-index")
    parser.add_argument("--json", type=Path, help="write the figures here, after each row")
    arguments = parser.parse_args()
    if reason := machine.missing_gpu():
        print(f"Nothing was measured, because this needs an NVIDIA GPU: {reason}.", file=sys.stderr)
        sys.exit(2)
    budget = Budget(arguments.budget_s)
    figures: dict[str, Any] = {"machine": machine.description()}
    print(json.dumps(figures["machine"]))
    parts: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
        "embed": lambda: embedding.rows(budget),
        "search": lambda: search.rows(budget, tuple(arguments.sizes)),
        "reindex": lambda: reindex(budget, arguments.faces),
    }
    for name, rows in parts.items():
        if arguments.only and name not in arguments.only:
            continue
        figures[name] = []
        for row in _with_errors(rows()):
            figures[name].append(row)
            print(name, json.dumps(row), flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(figures, indent=2))


def reindex(budget: Budget, faces: int) -> Iterator[dict[str, Any]]:
    """`benchmarks.reindex` with one photograph, whose crop is stored `faces` times."""
    if budget.left_seconds < _REINDEX_SECONDS:
        yield {"skipped": "out of time"}
        return
    with tempfile.TemporaryDirectory() as folder:
        person = Path(folder) / "Grace Hopper"
        person.mkdir()
        (person / "1.jpg").write_bytes(one_face_640x480())
        command = [sys.executable, "-m", "benchmarks.reindex", "--data", folder, "--faces", str(faces)]
        done = subprocess.run(
            command,
            env=os.environ | {"GEMEL_EMBEDDER_MAX_BATCH": str(SIZES[-1])},
            capture_output=True,
            text=True,
            timeout=budget.left_seconds,
        )
    if done.returncode:
        yield {"error": done.stderr[-2_000:]}
    else:
        yield json.loads(done.stdout)


def _with_errors(rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """An error ends its part, and not the others."""
    try:
        yield from rows
    except Exception:
        yield {"error": traceback.format_exc()[-2_000:]}


if __name__ == "__main__":
    main()
