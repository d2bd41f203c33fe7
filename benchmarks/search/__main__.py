"""How fast a search is, how often it is right, and what it takes: side by side, on the same vectors.

Raw FAISS is the limit of what our index can do. Ours is searched through its own API and over HTTP. pgvector
is the usual alternative. Gallery and probes are distributed as embeddings of faces are (`face_vectors`).
"Recall" is how often the first answer is that of exact search, "mate first" how often it is the right
person. The threshold is the score that one in a hundred strangers reaches.

    python -m benchmarks.search --n 10000,100000,1000000 --enrol --json search.json --plot search.png
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks import face_vectors
from benchmarks.search import enrolment
from benchmarks.search.contenders import gemel, gpu, over_http, pgvector, raw_faiss
from benchmarks.search.plot import draw
from benchmarks.search.race import race
from benchmarks.search.table import tables
from benchmarks.search.task import SEED, Task, pose

Row = dict[str, Any]
Tell = Callable[[str], object]

SIZES = (10_000, 100_000, 1_000_000)
WIDTH = 140
"""Width in columns of a table that is written to a file."""
GROUPS = ("faiss", "gemel", "http", "pgvector")


def main() -> None:
    arguments = _parser().parse_args()
    rows: list[Row] = json.loads(arguments.rows.read_text("utf-8")) if arguments.rows else []
    if not arguments.rows:
        for n in sorted({n for group in arguments.n or [SIZES] for n in group}):
            with _progress(n) as tell:
                for measured in _measure(n, arguments, tell):
                    rows += measured
                    if arguments.json:  # after every step: a million faces take a while
                        arguments.json.write_text(json.dumps(rows, indent=2) + "\n", "utf-8")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(tables(rows))
    if arguments.plot:
        draw(rows, arguments.plot)


def _measure(n: int, arguments: argparse.Namespace, tell: Tell) -> Iterator[list[Row]]:
    tell("sampling the gallery, exact search for all probes")
    task = pose(face_vectors.gallery(n, SEED))
    if arguments.gpu:
        yield gpu.rows(task, tell)
        return
    yield _in_process(task, arguments, tell)
    if arguments.enrol:
        tell("enrolling into a live index")
        yield enrolment.rows(task)
    if {"http", "pgvector"} & arguments.only:
        yield from _in_postgresql(task, arguments, tell)


def _in_process(task: Task, arguments: argparse.Namespace, tell: Tell) -> list[Row]:
    contenders = []
    if "faiss" in arguments.only:
        tell("building FAISS's indexes")
        contenders += raw_faiss.contenders(task, lossy=arguments.all)
    if "gemel" in arguments.only:
        tell("building our indexes")
        contenders += gemel.contenders(task)
    return race(contenders, task, progress=tell)


def _in_postgresql(task: Task, arguments: argparse.Namespace, tell: Tell) -> Iterator[list[Row]]:
    with tempfile.TemporaryDirectory(prefix="gemel-bench-") as folder, ExitStack() as stack:
        home = Path(folder)
        url = stack.enter_context(pgvector.postgresql(home))
        if "http" in arguments.only:
            tell("filling a gallery, starting servers")
            with over_http.contenders(url, home, task) as contenders:
                yield race(contenders, task, progress=tell)
        if "pgvector" in arguments.only:
            tell("pgvector: table and index")
            with pgvector.contenders(url, task) as contenders:
                yield race(contenders, task, progress=tell)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.search",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--n", type=_sizes, action="append", help="numbers of faces, separated by commas; repeatable"
    )
    parser.add_argument(
        "--only",
        type=_groups,
        default=set(GROUPS),
        help=f"groups, separated by commas, of {', '.join(GROUPS)}",
    )
    parser.add_argument("--all", action="store_true", help="also HNSW and IVF of FAISS, which lose people")
    parser.add_argument("--enrol", action="store_true", help="also enrolment during searches")
    parser.add_argument("--gpu", action="store_true", help="only the methods on the GPU")
    parser.add_argument("--json", type=Path, help="write the rows here")
    parser.add_argument("--plot", type=Path, help="draw latency and recall here, a PNG")
    parser.add_argument("--rows", type=Path, help="show rows that --json wrote; measure nothing")
    return parser


def _sizes(text: str) -> list[int]:
    return [int(size.replace("_", "")) for size in text.split(",")]


def _groups(text: str) -> set[str]:
    groups = set(text.split(","))
    if not groups <= set(GROUPS):
        raise argparse.ArgumentTypeError(f"not of {', '.join(GROUPS)}: {text}")
    return groups


@contextmanager
def _progress(n: int) -> Iterator[Tell]:
    """On stderr, so that stdout carries results only."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(f"{n:,}", total=None)
        yield lambda step: bar.update(task, description=f"{n:,} faces: {step}")


if __name__ == "__main__":
    main()
