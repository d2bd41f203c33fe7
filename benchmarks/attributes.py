"""What attributes cost: processor time for a face of each head, alone and beside recognition, and what a
request costs that asks for none.

    python -m benchmarks.attributes --json FILE

Each round takes every measurement once, in another order, so that other load falls on all of them alike. The
figures are medians of the rounds, of the processor time of all threads. Those beside recognition are the
medians of differences within a round: the photograph with this attribute, less the photograph without any.
"""

import argparse
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import skimage.data

from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.usecases.bootstrap import open_attributes, open_pipeline
from tests.support.pictures import jpeg

NOTHING_REPEATS = 1_000


def main() -> None:
    arguments = _arguments()
    settings = Settings().model_copy(update={"attributes": ",".join(Attribute)})
    with open_pipeline(settings) as pipeline:
        reader = open_attributes(settings, pipeline.load)
        result = measured(pipeline, reader, _photograph(arguments), arguments.rounds)
    print(table(result))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def measured(pipeline: Pipeline, reader: AttributeReader, data: bytes, rounds: int) -> dict[str, Any]:
    """Milliseconds of processor time, of a photograph with one face or more."""
    available = [attribute for attribute in Attribute if reader.is_available(attribute)]
    photograph = pipeline.detect(data, Stopwatch())
    faces = len(photograph.faces)
    together: dict[str, Sequence[Attribute]] = {"none": (), "all": available}
    together |= {attribute.value: (attribute,) for attribute in available}
    tasks: dict[tuple[str, str], Callable[[], object]] = {}
    for name, requested in together.items():
        tasks["beside", name] = partial(_recognised, pipeline, reader, data, requested)
        if requested:
            tasks["alone", name] = partial(reader.read, photograph, requested, Stopwatch())
    for task in tasks.values():  # opens the heads
        task()
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for key in random.sample(list(tasks), len(tasks)):
            times[key].append(_cpu_ms(tasks[key]))
    plain = np.array(times["beside", "none"])
    rows = {
        name: {
            "alone_ms": median(times["alone", name]) / faces,
            "beside_recognition_ms": float(np.median(np.array(times["beside", name]) - plain)) / faces,
        }
        for name, requested in together.items()
        if requested
    }
    return {
        "faces": faces,
        "rounds": rounds,
        "recognition_ms": float(np.median(plain)),
        "nothing_requested_ms": _cpu_ms(lambda: _ask_for_nothing(reader, photograph)) / NOTHING_REPEATS,
        "heads": rows,
        "unavailable": [attribute.value for attribute in Attribute if attribute not in available],
    }


def table(result: dict[str, Any]) -> str:
    lines = [
        f"Recognition of the photograph ({result['faces']} face): {result['recognition_ms']:.1f} ms.",
        f"A request without attributes: {1e3 * result['nothing_requested_ms']:.1f} microseconds more.",
        "",
        "| attribute | alone, ms a face | beside recognition, ms a face |",
        "|---|---|---|",
    ]
    for name, row in result["heads"].items():
        lines.append(f"| {name} | {row['alone_ms']:.1f} | {row['beside_recognition_ms']:.1f} |")
    if result["unavailable"]:
        lines += ["", f"Without weights here: {', '.join(result['unavailable'])}."]
    return "\n".join(lines)


def _recognised(
    pipeline: Pipeline, reader: AttributeReader, data: bytes, requested: Sequence[Attribute]
) -> None:
    """What identify does of a photograph before it searches."""
    watch = Stopwatch()
    photograph = pipeline.detect(data, watch)
    reader.read(photograph, requested, watch)
    pipeline.embed(photograph.faces, watch)


def _ask_for_nothing(reader: AttributeReader, photograph: Any) -> None:
    watch = Stopwatch()
    for _ in range(NOTHING_REPEATS):
        reader.check((), None)
        reader.read(photograph, (), watch)


def _cpu_ms(task: Callable[[], object]) -> float:
    start = time.process_time()
    task()
    return (time.process_time() - start) * 1e3


def _photograph(arguments: argparse.Namespace) -> bytes:
    given: Path | None = arguments.photograph
    if given is not None:
        return given.read_bytes()
    return jpeg(skimage.data.astronaut())  # type: ignore[no-untyped-call]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photograph", type=Path, help="instead of a portrait of 512 x 512 pixels")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
