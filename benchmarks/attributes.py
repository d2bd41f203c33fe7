"""What attributes cost: processor time for a face of each head, alone and beside recognition, and what a
request costs that asks for none.

    python -m benchmarks.attributes --json FILE

Each round takes every measurement once, in another order, so that other load falls on all of them alike. The
figures are medians of the rounds, of the processor time of all threads. Those beside recognition are the
medians of differences within a round: the photograph with this attribute, less the photograph without any.
The row `none` is the photograph without any, less the same work without the feature. The other rows are all
heads whose weights are on this machine (`gemel models list`).
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
from numpy.typing import NDArray

from indexer.attributes.reader import AttributeReader
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.types import Attribute
from indexer.usecases.bootstrap import open_attributes, open_pipeline
from tests.support.pictures import jpeg

NOTHING_REPEATS = 1_000
RESAMPLES = 2_000
NONE, BEFORE = "none", "before"
"""A request without attributes, and the same work without a reader of attributes."""


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
    together: dict[str, Sequence[Attribute]] = {NONE: (), "all": available}
    together |= {attribute.value: (attribute,) for attribute in available}
    tasks: dict[tuple[str, str], Callable[[], object]] = {
        ("beside", BEFORE): partial(_recognised_before, pipeline, data)
    }
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
    plain, before = np.array(times["beside", NONE]), np.array(times["beside", BEFORE])
    rows = {
        name: {
            "alone_ms": median(times["alone", name]) / faces,
            "beside_recognition_ms": float(np.median(np.array(times["beside", name]) - plain)) / faces,
            "beside_interval_ms": _interval((np.array(times["beside", name]) - plain) / faces),
        }
        for name, requested in together.items()
        if requested
    }
    return {
        "faces": faces,
        "rounds": rounds,
        "recognition_ms": float(np.median(plain)),
        "without_the_feature_ms": float(np.median(before)),
        "none": {"more_ms": float(np.median(plain - before)), "interval_ms": _interval(plain - before)},
        "nothing_requested_ms": _cpu_ms(lambda: _ask_for_nothing(reader, photograph)) / NOTHING_REPEATS,
        "heads": rows,
        "unavailable": [attribute.value for attribute in Attribute if attribute not in available],
    }


def _interval(differences: NDArray[np.float64]) -> list[float]:
    """95 % of the median, by resampling of rounds."""
    rng = np.random.default_rng(0)
    medians = np.median(rng.choice(differences, (RESAMPLES, len(differences))), axis=1)
    return [float(bound) for bound in np.quantile(medians, [0.025, 0.975])]


def table(result: dict[str, Any]) -> str:
    low, high = result["none"]["interval_ms"]
    lines = [
        f"Recognition of the photograph ({result['faces']} face): {result['recognition_ms']:.1f} ms without"
        f" attributes, {result['without_the_feature_ms']:.1f} ms by the pipeline alone.",
        f"A request without attributes: {1e3 * result['nothing_requested_ms']:.1f} microseconds for the calls"
        " of the reader.",
        "",
        "| attribute | alone, ms a face | beside recognition, ms a face | 95 % interval |",
        "|---|---|---|---|",
        f"| none (identify without attributes) | | {result['none']['more_ms']:+.2f} | {low:+.2f} to"
        f" {high:+.2f} |",
    ]
    for name, row in result["heads"].items():
        low, high = row["beside_interval_ms"]
        lines.append(
            f"| {name} | {row['alone_ms']:.1f} | {row['beside_recognition_ms']:.1f}"
            f" | {low:.1f} to {high:.1f} |"
        )
    if result["unavailable"]:
        lines += ["", f"Without weights here: {', '.join(result['unavailable'])}."]
    return "\n".join(lines)


def _recognised(
    pipeline: Pipeline, reader: AttributeReader, data: bytes, requested: Sequence[Attribute]
) -> None:
    """What identify does of a photograph before it searches."""
    watch = Stopwatch()
    reader.check(requested, None)
    with reader.turn(requested, watch):
        photograph = pipeline.detect(data, watch)
        reader.estimate(photograph, requested, watch)
    pipeline.embed(photograph.faces, watch)


def _recognised_before(pipeline: Pipeline, data: bytes) -> None:
    """The same without a reader of attributes."""
    watch = Stopwatch()
    pipeline.embed(pipeline.detect(data, watch).faces, watch)


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
