"""Whether a calibration keeps its promise: the rate that it gives on some people, and the rate on others.

People are divided at random, several times. A calibration is made on some; the others are held out. For each
gallery size N and each target FPIR it gives a threshold and an interval. The observed rate is the mean over
*all* galleries of N of the held-out people, with each held-out person searched for in the galleries without
them: with k of n - 1 others at or above the threshold, a search alarms with the probability
1 - C(n - 1 - k, N) / C(n - 1, N). So the figure depends on who was held out, but not on the chance of drawing
one gallery. One image a person.

    python -m benchmarks.calibration --data LFW [--celeba DIR] --json calibration.json --plot calibration.png

Embeddings are kept in `--cache DIR`, and not made again. With `--celeba` (89 x 109 pictures, with
identities.csv) the same is done there. The calibrations on LFW are also tried on degraded LFW and on CelebA.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks import photograph_sets
from benchmarks.calibration.summary import draw, table
from benchmarks.calibration.trials import Trial, calibrated, promises
from benchmarks.photograph_sets import PhotographSet
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipeline


def main() -> None:
    arguments = _arguments()
    start = time.perf_counter()
    lfw = photograph_sets.read(arguments.data)
    sets = {"LFW": _embedded(lfw, arguments.cache)}
    elsewhere = {"degraded": _embedded(photograph_sets.degraded(lfw), arguments.cache)}
    if arguments.celeba:
        sets["CelebA"] = _embedded(photograph_sets.read(arguments.celeba), arguments.cache)
        elsewhere["CelebA"] = sets["CelebA"]
    trials: list[Trial] = []
    for repeat in range(arguments.repeats):
        rng = np.random.default_rng(repeat)
        for people in arguments.people:
            for name, vectors in sets.items():
                order = rng.permutation(len(vectors))
                curve = calibrated(vectors[order[:people]])
                trials += promises(curve, name, people, name, vectors[order[people:]])
                if name == "LFW":
                    for other, probes in elsewhere.items():
                        trials += promises(curve, name, people, other, probes)
        print(f"{repeat + 1} of {arguments.repeats}, {time.perf_counter() - start:.0f} s", flush=True)
    rows = table(trials)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "trials": [asdict(t) for t in trials]}, indent=1))
    if arguments.plot:
        draw(rows, arguments.people[-1], arguments.plot)


def _embedded(photographs: PhotographSet, cache: Path) -> Vectors:
    """The embeddings of the first picture of each person, where it has a face."""
    with open_pipeline(Settings(model="sface", mirror=True)) as pipeline:
        [(vectors, found)] = photograph_sets.embedded(photographs, [pipeline], cache)
    return vectors[found]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibration",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW")
    parser.add_argument("--celeba", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("benchmarks-cache"))
    parser.add_argument("--people", type=int, nargs="+", default=[400, 1_500], help="to calibrate on")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
