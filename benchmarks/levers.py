"""What each step towards fewer misses brings, on several sets of people: one table, with intervals.

    python -m benchmarks.levers --data LFW CELEBA --json FILE

A set is a folder for each person (LFW), or a folder with an `identities.csv` of lines `file,identity`
(CelebA). The first picture of each person with several is enrolled; their others are the mated probes. The
pictures of people with one are the non-mated probes. Each row is compared with the first one, by the same
resamples of people. Embeddings are kept in `--cache DIR`. `python -m benchmarks.templates` measures people
who are enrolled with several pictures.
"""

import argparse
import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.photograph_sets import PhotographSet, embedded
from indexer.embedding import catalog
from indexer.embedding.card import ModelCard
from indexer.evaluation import lfw
from indexer.evaluation.identification import rates
from indexer.evaluation.identification.rates import Searches
from indexer.evaluation.intervals import Interval, Tradeoff, draws, interval
from indexer.evaluation.open_set import Roles, split_labels
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipeline_factory

RESAMPLES = 300
FPIRS = (0.01, 0.1)
WEIGHTS = (0.25, 0.5, 1.0, 1.5)
"""Of reid0095 beside SFace with weight 1, besides the weight of the published model."""
PUBLISHED_WEIGHT = 0.75

Variants = Mapping[str, Callable[[], Vectors]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    name: str
    rank1: float
    fnir: dict[str, float]
    """By FPIR."""
    fnir_interval: dict[str, Interval | None]
    gain: dict[str, Interval | None]
    """By FPIR: the 95 % interval of the first row's FNIR minus this one's, by paired resamples of people."""


def main() -> None:
    arguments = _arguments()
    result = {}
    cards = _cards()
    with open_pipeline_factory(Settings()) as factory:
        pipelines = [factory.pipeline(card) for card in cards.values()]
        for folder in arguments.data:
            photographs, labels = read_labelled(folder)
            of_cards = embedded(photographs, pipelines, arguments.cache)
            found = np.logical_and.reduce([found for _, found in of_cards])
            vectors = {name: vectors for name, (vectors, _) in zip(cards, of_cards, strict=True)}
            roles = split_labels(labels)
            rows = table(variants(vectors, roles), found, roles)
            result[folder.name] = [asdict(row) for row in rows]
            print(markdown(folder.name, roles, rows), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def read_labelled(folder: Path) -> tuple[PhotographSet, NDArray[np.int64]]:
    """All pictures, and for each one the number of its person."""
    if (folder / "identities.csv").exists():
        with (folder / "identities.csv").open(newline="") as file:
            named = [(folder / name, identity) for name, identity in csv.reader(file) if identity]
        pairs = [(path, identity) for path, identity in named if path.exists()]
    else:
        pairs = [(path, person.name) for person in lfw.read_people(folder) for path in person.images]
    _, labels = np.unique([identity for _, identity in pairs], return_inverse=True)
    files = tuple(path for path, _ in pairs)
    return PhotographSet(name=f"{folder.name}-all", files=files), labels.astype(np.int64)


def variants(vectors: Mapping[str, Vectors], roles: Roles) -> Variants:
    """By name, what is measured; the first one is what the others are compared with."""
    sface, reid = vectors["sface v2"], vectors["reid0095 v2, one view"]

    def fused(weight: float, first: Vectors = sface, second: Vectors = reid) -> Vectors:
        return _unit(np.concatenate([first, np.sqrt(weight) * second], axis=1))

    def centred(embeddings: Vectors) -> Vectors:
        """By the mean of the enrolled faces."""
        return _unit(embeddings - embeddings[roles.gallery].mean(axis=0))

    published = f"sface + {PUBLISHED_WEIGHT:g} reid0095"
    return {
        "sface": lambda: vectors["sface v1"],
        "sface, one view": lambda: vectors["sface v1, one view"],
        "sface, refined landmarks": lambda: sface,
        "sface, refined landmarks, minus the gallery's mean": lambda: centred(sface),
        "reid0095, refined landmarks, one view": lambda: reid,
        f"{published}": lambda: fused(
            PUBLISHED_WEIGHT, vectors["sface v1"], vectors["reid0095 v1, one view"]
        ),
        f"{published}, refined landmarks (the model sface+reid0095)": lambda: fused(PUBLISHED_WEIGHT),
        "the same, reid0095 with its mirror": lambda: fused(PUBLISHED_WEIGHT, sface, vectors["reid0095 v2"]),
        "the same, both in one view": lambda: fused(PUBLISHED_WEIGHT, vectors["sface v2, one view"]),
        "the same, minus the gallery's mean": lambda: centred(fused(PUBLISHED_WEIGHT)),
        **{f"sface + {weight:g} reid0095, refined landmarks": partial(fused, weight) for weight in WEIGHTS},
    }


def table(measured: Variants, found: NDArray[np.bool_], roles: Roles) -> list[Row]:
    rows: list[Row] = []
    base: dict[float, NDArray[np.float64]] = {}
    for name, embeddings in measured.items():
        searches = rates.search(embeddings(), found, roles)
        curve = rates.det(searches)
        fnirs = _resampled(searches)
        base = base or fnirs
        rows.append(
            Row(
                name=name,
                rank1=float(searches.correct.mean()),
                fnir={f"{fpir:g}": float(curve.fnir[rates.point_at(curve, fpir)]) for fpir in FPIRS},
                fnir_interval={f"{fpir:g}": interval(fnirs[fpir]) for fpir in FPIRS},
                gain={f"{fpir:g}": interval(base[fpir] - fnirs[fpir]) for fpir in FPIRS},
            )
        )
    return rows


def _resampled(searches: Searches) -> dict[float, NDArray[np.float64]]:
    """By FPIR, the FNIR of each resample. The same resamples for all rows of a set."""
    tradeoff = Tradeoff(searches.hits, searches.nonmated)
    pairs = zip(
        draws(searches.mates, RESAMPLES, (0, 0)), draws(searches.strangers, RESAMPLES, (0, 1)), strict=True
    )
    fnirs = np.array(
        [
            [1 - tradeoff.found(mated, tradeoff.threshold(nonmated, fpir)) for fpir in FPIRS]
            for mated, nonmated in pairs
        ]
    )
    return dict(zip(FPIRS, fnirs.T, strict=True))


def markdown(name: str, roles: Roles, rows: Sequence[Row]) -> str:
    lines = [
        f"{name}: {len(roles.gallery):,} people enrolled, {len(roles.mated):,} mated and"
        f" {len(roles.nonmated):,} non-mated probes",
        "",
        "| | rank-1 | FNIR at FPIR 1 % | fewer by | FNIR at FPIR 10 % | fewer by |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.name, f"{row.rank1:.2%}"]
        for fpir in map("{:g}".format, FPIRS):
            cells += [f"{row.fnir[fpir]:.2%} ({_percent(row.fnir_interval[fpir])})"]
            cells += ["" if row is rows[0] else _percent(row.gain[fpir])]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _percent(bounds: Interval | None) -> str:
    return "unknown" if bounds is None else f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"


def _cards() -> dict[str, ModelCard]:
    def variant(name: str, *, version: int, mirror: bool) -> ModelCard:
        return replace(catalog.named(name, mirror=mirror), template=f"arcface-112-v{version}", mirror=mirror)

    return {
        "sface v1": variant("sface", version=1, mirror=True),
        "sface v1, one view": variant("sface", version=1, mirror=False),
        "sface v2": variant("sface", version=2, mirror=True),
        "sface v2, one view": variant("sface", version=2, mirror=False),
        "reid0095 v1, one view": variant("reid0095", version=1, mirror=False),
        "reid0095 v2, one view": variant("reid0095", version=2, mirror=False),
        "reid0095 v2": variant("reid0095", version=2, mirror=True),
    }


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.levers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="sets of photographs")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks-cache"))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
