"""What the quality of a face says of searches for it: the source of the quality limits, and of the expected
miss rates (`indexer/vision/miss_rate.py`).

An open set is searched at an FPIR of 1 %: the first image of each person with several is enrolled, the other
images and the people with one image are the probes. Some probes are searched once more for each way of
degrading them; the gallery and the threshold stay.

    GEMEL_MODEL_MIRROR=FOLDER python -m benchmarks.quality --data LFW

LFW's layout is expected, or one folder with an `identities.csv` of lines `file,identity`.
"""

import argparse
import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from benchmarks.quality.faces import FIGURES, JudgedFaces, degradations, judge
from benchmarks.quality.figures import Outcomes, auc, miss_rates, search, threshold, worst
from indexer.evaluation.lfw import read_people
from indexer.evaluation.open_set import Roles, split_labels
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from indexer.vision.miss_rate import expected_miss_rate

FPIR = 0.01
WORST = 0.05
EDGES = (
    *(
        0.0,
        0.05,
        0.1,
        0.15,
        0.2,
        0.25,
        0.3,
        0.35,
        0.4,
        0.45,
        0.5,
        0.53,
        0.55,
        0.57,
        0.58,
        0.59,
        0.6,
        0.605,
        0.61,
    ),
    1.0,
)
LIMITS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)

console = Console(width=160)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take each n-th person")
    parser.add_argument("--degraded", type=int, default=100, help="mated probes of each degradation")
    parser.add_argument("--threshold", type=float, help="instead of the one for an FPIR of 1 %% on this set")
    arguments = parser.parse_args()
    files, people = read(arguments.data, arguments.every)
    roles = split_labels(people)
    rng = np.random.default_rng(0)
    with open_pipeline(Settings()) as pipeline:
        faces = judge(pipeline, [(file, None) for file in files])
        above = arguments.threshold or threshold(faces.vectors, roles, FPIR)
        print(f"{pipeline.card.fingerprint}: threshold {above:.4f}, {len(roles.gallery):,} enrolled")
        gallery = faces.vectors[roles.gallery]
        unchanged = search(
            gallery, faces.vectors[roles.mated], roles.mates, faces.vectors[roles.nonmated], above
        )
        show_figures(faces, roles, unchanged)
        clean = faces.figures["recognisability"]
        mated, strangers = clean[roles.mated], clean[roles.nonmated]
        recognisability, missed = [], []
        table = Table(
            *("Degraded", "Detected", "Face px", "Sharpness, 5 % / median", "Recognisability"),
            *("Expected misses", "Missed", "FPIR"),
        )
        for name, level in degradations() if arguments.degraded else ():
            chosen = rng.choice(len(roles.mated), min(arguments.degraded, len(roles.mated)), replace=False)
            others = rng.choice(roles.nonmated, min(arguments.degraded, len(roles.nonmated)), replace=False)
            worse = judge(pipeline, [(files[row], level) for row in (*roles.mated[chosen], *others)])
            ours, theirs = np.arange(len(chosen)), np.arange(len(chosen), len(worse.found))
            outcomes = search(gallery, worse.vectors[ours], roles.mates[chosen], worse.vectors[theirs], above)
            seen, there = worse.found[ours], worse.found[theirs]
            values = worse.figures["recognisability"][ours][seen]
            recognisability.append(values)
            missed.append(outcomes.missed[seen])
            expected = [expected_miss_rate(value) for value in values]
            sharpness = np.nanpercentile(worse.figures["sharpness_ratio"], [5, 50])
            table.add_row(
                name,
                f"{worse.found.mean():.0%}",
                f"{np.nanmedian(worse.figures['face_px']):.0f}" if worse.found.any() else "",
                f"{sharpness[0]:.4f} / {sharpness[1]:.4f}" if worse.found.any() else "",
                f"{np.median(values):.3f}" if len(values) else "",
                f"{np.mean(expected):.1%}" if expected else "",
                f"{outcomes.missed[seen].mean():.1%}" if seen.any() else "",
                f"{outcomes.alarms[there].mean():.1%}" if there.any() else "",
            )
    console.print(table)
    found = faces.found[roles.mated]
    show_steps(mated[found], unchanged.missed[found], strangers, unchanged.alarms, recognisability, missed)
    show_limits(mated[found], unchanged.missed[found], recognisability, missed)


def read(folder: Path, every: int) -> tuple[list[Path], NDArray[np.int64]]:
    """The files, and the person of each."""
    if not (folder / "identities.csv").exists():
        chosen = read_people(folder)[::every]
        files = [file for person in chosen for file in person.images]
        return files, np.repeat(np.arange(len(chosen)), [len(person.images) for person in chosen])
    with (folder / "identities.csv").open(newline="") as file:
        rows = [(name, identity) for name, identity in csv.reader(file) if (folder / name).exists()]
    _, people = np.unique([identity for _, identity in rows], return_inverse=True)
    kept = np.flatnonzero(people % every == 0)
    return [folder / rows[row][0] for row in kept], people[kept]


def show_figures(faces: JudgedFaces, roles: Roles, outcomes: Outcomes) -> None:
    found = faces.found[roles.mated]
    missed = outcomes.missed[found]
    table = Table(
        *("Figure", "AUC of the misses", "by the worse of probe and enrolled", "FNIR without the worst 5 %"),
        *("missed of the worst 5 %", "FPIR of the worst 5 %"),
        title=f"FNIR {missed.mean():.2%}, FPIR {outcomes.alarms.mean():.2%}",
    )
    for name in FIGURES:
        figure = np.nan_to_num(faces.figures[name], nan=-1.0)
        probes, strangers = figure[roles.mated][found], figure[roles.nonmated]
        both = np.minimum(figure[roles.mated], figure[roles.gallery][roles.mates])[found]
        bad = worst(probes, WORST)
        table.add_row(
            name,
            f"{auc(probes, missed):.3f}",
            f"{auc(both, missed):.3f}",
            f"{missed[~bad].mean():.2%}",
            f"{missed[bad].mean():.0%}",
            f"{outcomes.alarms[worst(strangers, WORST)].mean():.1%}",
        )
    console.print(table)


def show_steps(
    values: NDArray[np.float64],
    missed: NDArray[np.bool_],
    strangers: NDArray[np.float64],
    alarms: NDArray[np.bool_],
    worse: Sequence[NDArray[np.float64]],
    worse_missed: Sequence[NDArray[np.bool_]],
) -> None:
    table = Table(
        "Recognisability", "unchanged", "missed", "degraded", "missed", "expected", "strangers", "FPIR"
    )
    bad, bad_missed = np.concatenate([[], *worse]), np.concatenate([np.zeros(0, np.bool_), *worse_missed])
    for low, high in pairwise(EDGES):
        inside, too, there = ((v >= low) & (v < high) for v in (values, bad, strangers))
        every = np.concatenate([values[inside], bad[too]])
        table.add_row(
            f"{low:g} to {high:g}",
            *_share(missed, inside),
            *_share(bad_missed, too),
            f"{np.mean([expected_miss_rate(v) for v in every]):.1%}" if len(every) else "",
            *_share(alarms, there),
        )
    console.print(table)
    every, every_missed = np.concatenate([values, bad]), np.concatenate([missed, bad_missed])
    steps = miss_rates(every, every_missed, EDGES)
    console.print("Monotone:", ", ".join(f"({value:.3f}, {rate:.3f})" for value, rate in steps))


def show_limits(
    values: NDArray[np.float64],
    missed: NDArray[np.bool_],
    worse: Sequence[NDArray[np.float64]],
    worse_missed: Sequence[NDArray[np.bool_]],
) -> None:
    table = Table(
        "Expected miss rate above",
        "unchanged: rejected",
        "missed of them",
        "degraded: rejected",
        "missed of them",
    )
    bad, bad_missed = np.concatenate([[], *worse]), np.concatenate([np.zeros(0, np.bool_), *worse_missed])
    for limit in LIMITS:
        cells = []
        for one, outcome in ((values, missed), (bad, bad_missed)):
            rejected = np.array([expected_miss_rate(value) > limit for value in one], np.bool_)
            cells += [
                f"{rejected.sum():,} of {len(one):,}",
                f"{outcome[rejected].mean():.0%}" if rejected.any() else "",
            ]
        table.add_row(f"{limit:.0%}", *cells)
    console.print(table)


def _share(outcomes: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> tuple[str, str]:
    return f"{chosen.sum():,}", f"{outcomes[chosen].mean():.1%}" if chosen.any() else ""


if __name__ == "__main__":
    main()
