"""Whether a calibration keeps its promise: the rate that it gives on some people, and the rate on others.

People are divided at random, several times. A calibration is made on some; the others are held out. For each
gallery size N and each target FPIR it gives a threshold and an interval. The observed rate is the mean over
*all* galleries of N of the held-out people, with each held-out person searched for in the galleries without
them: with k of n - 1 others at or above the threshold, a search alarms with the probability
1 - C(n - 1 - k, N) / C(n - 1, N). So the figure depends on who was held out, but not on the chance of drawing
one gallery. One image a person.

    python -m benchmarks.calibration --data LFW [--celeba DIR] --json calibration.json --plot calibration.png

Embeddings are kept in `--cache DIR`, and not made again. With `--celeba` (89 x 109 pictures, with
identities.csv) the same is done there, and then across both: calibrated on LFW, searched for in CelebA.
"""

import argparse
import csv
import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.card_curve import CardCurve
from indexer.calibration.curve import ScoreCurve
from indexer.calibration.fitting import fit as calibration
from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.impostors import collect
from indexer.embedding.catalog import sface
from indexer.evaluation import lfw
from indexer.pipeline.embed_files import embed_files
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipeline

SIZES = (100, 300, 1_000, 3_000, 5_000)
FPIRS = (0.1, 0.01, 0.001)
CARD = sface(mirror=True)
LIKELY = CARD.genuine_scores[len(CARD.genuine_scores) // 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One promise and what became of it."""

    calibrated_on: str
    people: int
    held_out: str
    size: int
    fpir: float
    threshold: float
    low: float
    high: float
    supported: bool
    happened: float
    as_labelled: float
    """With the held-out people who seem to be one person under two names."""
    card_happened: float
    """At the threshold that the model's card gives."""

    @property
    def kept(self) -> bool:
        return self.low <= self.happened <= self.high


def main() -> None:
    arguments = _arguments()
    start = time.perf_counter()
    sets = {"LFW": _embedded("lfw", _lfw(arguments.data), arguments.cache)}
    if arguments.celeba:
        sets["CelebA"] = _embedded("celeba", _celeba(arguments.celeba), arguments.cache)
    trials: list[Trial] = []
    for repeat in range(arguments.repeats):
        rng = np.random.default_rng(repeat)
        for people in arguments.people:
            for name, vectors in sets.items():
                order = rng.permutation(len(vectors))
                curve = _calibrated(vectors[order[:people]])
                trials += _try(curve, name, people, name, vectors[order[people:]])
                if name == "LFW" and "CelebA" in sets:
                    trials += _try(curve, name, people, "CelebA", sets["CelebA"])
        print(f"{repeat + 1} of {arguments.repeats}, {time.perf_counter() - start:.0f} s", flush=True)
    rows = _table(trials)
    if arguments.json:
        arguments.json.write_text(json.dumps({"rows": rows, "trials": [asdict(t) for t in trials]}, indent=1))
    if arguments.plot:
        _draw(rows, arguments.people[-1], arguments.plot)


def _calibrated(vectors: Vectors) -> ScoreCurve:
    found = collect(vectors, np.arange(len(vectors)))
    return calibration.fit(found, suspected=suspects.find(found, LIKELY))


def _try(curve: ScoreCurve, name: str, people: int, where: str, held_out: Vectors) -> list[Trial]:
    points = [(size, fpir) for size in SIZES if size < len(held_out) for fpir in FPIRS]
    thresholds = [curve.threshold(fpir, size) for size, fpir in points]
    by_card = [CardCurve(CARD).threshold(fpir, size) for size, fpir in points]
    clean, labelled = _above(held_out, [*thresholds, *by_card])
    trials = []
    for place, (size, fpir) in enumerate(points):
        estimate = curve.estimate(thresholds[place], size)
        assert estimate.interval is not None
        trials.append(
            Trial(
                calibrated_on=name,
                people=people,
                held_out=where,
                size=size,
                fpir=fpir,
                threshold=thresholds[place],
                low=estimate.interval[0],
                high=estimate.interval[1],
                supported=estimate.trusted,
                happened=_fpir(clean[place], size),
                as_labelled=_fpir(labelled[place], size),
                card_happened=_fpir(clean[len(points) + place], size),
            )
        )
    return trials


def _above(vectors: Vectors, thresholds: Sequence[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shape (thresholds, people) each: how many others reach it; without suspected pairs, and with them."""
    found = collect(vectors, np.arange(len(vectors)))
    twice = np.flatnonzero(suspects.find(found, LIKELY))
    probes, others = found.probes[found.probe[twice]], found.other[twice]
    clean = np.zeros((len(thresholds), len(vectors)), np.int64)
    labelled = np.zeros_like(clean)
    for start in range(0, len(vectors), 512):
        block = slice(start, start + 512)
        scores = vectors[block] @ vectors.T
        scores[np.arange(len(scores)), np.arange(start, start + len(scores))] = -2
        for place, threshold in enumerate(thresholds):
            labelled[place, block] = (scores >= threshold).sum(axis=1)
        for one, other in ((probes, others), (others, probes)):
            here = (one >= start) & (one < start + len(scores))
            scores[one[here] - start, other[here]] = -2
        for place, threshold in enumerate(thresholds):
            clean[place, block] = (scores >= threshold).sum(axis=1)
    return clean, labelled


def _fpir(above: NDArray[np.int64], size: int) -> float:
    """Mean over all galleries of `size`; `above` (n,): how many of the n - 1 others reach the threshold."""
    others = len(above) - 1
    log_factorial = np.array([math.lgamma(k + 1) for k in range(others + 1)])
    silent = np.zeros(len(above))
    left = others - above
    can = left >= size
    silent[can] = np.exp(
        log_factorial[left[can]]
        - log_factorial[left[can] - size]
        - log_factorial[others]
        + log_factorial[others - size]
    )
    return float((1 - silent).mean())


def _table(trials: Sequence[Trial]) -> list[dict[str, object]]:
    keys = sorted({(t.calibrated_on, t.people, t.held_out, t.size, t.fpir) for t in trials})
    rows: list[dict[str, object]] = []
    print("on, people, held out, N, FPIR: threshold, promised, happened (as labelled), kept, supported, card")
    for key in keys:
        same = [t for t in trials if (t.calibrated_on, t.people, t.held_out, t.size, t.fpir) == key]

        def mean(name: str, among: Sequence[Trial] = same) -> float:
            return float(np.mean([getattr(trial, name) for trial in among]))

        row = {
            "calibrated_on": key[0],
            "people": key[1],
            "held_out": key[2],
            "size": key[3],
            "fpir": key[4],
            "trials": len(same),
            **{n: mean(n) for n in ("threshold", "low", "high", "happened", "as_labelled", "card_happened")},
            "least": min(t.happened for t in same),
            "most": max(t.happened for t in same),
            "kept": sum(t.kept for t in same),
            "supported": sum(t.supported for t in same),
            "kept_of_supported": sum(t.kept and t.supported for t in same),
        }
        rows.append(row)
        print(
            f"{key[0]:6} {key[1]:5} {key[2]:6} {key[3]:5} {key[4]:<6g}: {row['threshold']:.3f}"
            f"  {row['low']:.2g}-{row['high']:.2g}"
            f"  {row['happened']:.2g} [{row['least']:.2g} {row['most']:.2g}]"
            f" ({row['as_labelled']:.2g})  {row['kept']}/{row['trials']}"
            f"  {row['supported']}/{row['trials']}  {row['card_happened']:.2g}"
        )
    return rows


def _draw(rows: Sequence[dict[str, object]], people: int, path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from indexer.pages.plots import set_titles

    figure = Figure(figsize=(12, 4.6), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, fpir in zip(figure.subplots(1, len(FPIRS)), FPIRS, strict=True):
        for name, colour, shift in (("LFW", "#1f5fa8", 0.94), ("CelebA", "#c2410c", 1.06)):
            here = [
                r
                for r in rows
                if (r["calibrated_on"], r["held_out"], r["people"], r["fpir"]) == (name, name, people, fpir)
            ]
            if not here:
                continue
            sizes, low, high, happened, least, most, card = (
                np.array([float(str(r[k])) for r in here])
                for k in ("size", "low", "high", "happened", "least", "most", "card_happened")
            )
            x = sizes * shift
            axes.errorbar(
                x,
                np.sqrt(low * high),
                [np.sqrt(low * high) - low, high - np.sqrt(low * high)],
                fmt="none",
                ecolor=colour,
                elinewidth=9,
                alpha=0.25,
                label=f"{name}: promised",
            )
            axes.errorbar(
                x,
                happened,
                [happened - least, most - happened],
                fmt="o",
                color=colour,
                markersize=4,
                capsize=3,
                label=f"{name}: happened",
            )
            axes.plot(x, card, "x", color=colour, markersize=6, label=f"{name}: by the card")
        axes.axhline(fpir, color="#555555", linewidth=1, linestyle=(0, (4, 3)))
        axes.set(xscale="log", yscale="log", xlabel="people enrolled (N)", ylabel="FPIR")
        axes.set_ylim(fpir / 12, fpir * 12)
        set_titles(axes, f"target: {fpir:g}", f"calibrated on {people:,} others")
    axes.legend(frameon=False, fontsize=7)
    figure.savefig(path, format="png")


def _lfw(folder: Path) -> list[Path]:
    return [person.images[0] for person in lfw.read_people(folder)]


def _celeba(folder: Path) -> list[Path]:
    with (folder / "identities.csv").open(newline="") as file:
        first: dict[str, Path] = {}
        for name, identity in csv.reader(file):
            if identity:
                first.setdefault(identity, folder / name)
    return list(first.values())


def _embedded(name: str, files: Sequence[Path], cache: Path) -> Vectors:
    """Those in which a face was found."""
    kept = cache / f"{name}-{CARD.fingerprint}.npz"
    if not kept.exists():
        with open_pipeline(Settings(model="sface", mirror=True)) as pipeline:
            made = embed_files(pipeline, files)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(kept, vectors=made.vectors[made.found])
    with np.load(kept) as file:
        vectors: Vectors = file["vectors"]
    print(f"{name}: {len(vectors):,} of {len(files):,} people")
    return vectors


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
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
