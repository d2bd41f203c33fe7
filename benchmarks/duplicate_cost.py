"""What the duplicate check costs an enrolment, in a gallery of some size.

A gallery is filled with vectors that are distributed as SFace's embeddings of faces are. Then people of LFW,
one photograph each, are enrolled into it, by turns without the check and with it, through the whole engine.
The time in the database is that of the transaction, in which the gallery is locked.
"""

import argparse
import json
import statistics
import tempfile
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks import face_vectors
from benchmarks.search.gallery import GALLERY, fill, migrate
from benchmarks.search.task import pose
from indexer.calibration import policy
from indexer.errors import GemelError
from indexer.records import embedded
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import DuplicateCheck, OnSeveralFaces
from indexer.usecases.bootstrap import Engine, open_engine
from indexer.usecases.enrol import NewIdentity

CHECKS = (DuplicateCheck.OFF, DuplicateCheck.WARN)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: a folder for each person")
    parser.add_argument("--faces", type=int, nargs="+", default=[10_000, 100_000], help="sizes")
    parser.add_argument("--enrolments", type=int, default=200, help="for each size")
    parser.add_argument("--json", type=Path, help="write the figures here")
    arguments = parser.parse_args()
    pictures = [path.read_bytes() for path in islice(_one_each(arguments.data), arguments.enrolments)]
    rows = [row for faces in arguments.faces for row in measure(faces, pictures)]
    Console().print(_table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


def measure(faces: int, pictures: list[bytes]) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        url = embedded.start(home)
        migrate(url)
        fill(url, pose(face_vectors.gallery(faces, 0), probes=10, strangers=10))
        settings = Settings(home=home, database_url=url, index_patience_s=600)
        engine = stack.enter_context(open_engine(settings))
        return _alternate(engine, faces, pictures)


def _alternate(engine: Engine, faces: int, pictures: list[bytes]) -> list[dict[str, Any]]:
    totals: dict[str, list[float]] = {check: [] for check in CHECKS}
    databases: dict[str, list[float]] = {check: [] for check in CHECKS}
    for number, picture in enumerate(track(pictures, f"{faces:,} faces")):
        check = CHECKS[number % 2]
        policy.update(
            engine.database,
            engine.index_store.models,
            engine.calibrations,
            GALLERY,
            {"duplicate_check": check},
        )
        watch = Stopwatch()
        try:
            engine.enroller.create(
                GALLERY, NewIdentity(), [picture], several_faces=OnSeveralFaces.LARGEST, watch=watch
            )
        except GemelError:  # rejected by the quality gate
            continue
        if number >= 2 * len(CHECKS):  # the first ones open the index
            timings = watch.timings_ms()
            totals[check].append(timings["total"])
            databases[check].append(timings["database"])
    return [
        {
            "faces": faces,
            "check": str(check),
            "enrolments": len(totals[check]),
            "database_ms": statistics.median(databases[check]),
            "total_ms": statistics.median(totals[check]),
        }
        for check in CHECKS
    ]


def _one_each(data: Path) -> "list[Path]":
    return [next(iter(sorted(folder.glob("*.jpg")))) for folder in sorted(data.iterdir()) if folder.is_dir()]


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table("Faces", "Check", "Enrolments", "Database, ms", "Total, ms", title="Medians")
    for row in rows:
        table.add_row(
            f"{row['faces']:,}",
            row["check"],
            str(row["enrolments"]),
            f"{row['database_ms']:.1f}",
            f"{row['total_ms']:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
