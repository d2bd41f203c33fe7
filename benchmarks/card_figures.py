"""The figures of a card: how high pairs of strangers score on several sets, and scores of genuine pairs.

For each set a calibration is fitted, on one picture of each person, without pairs that seem to be one person.
A rate's score is where the geometric mean of the sets' FMR is this rate. Its range goes from the lowest end
of the sets' 95 % intervals to the highest. The rates end where the highest is more than three times the rate,
or where fewer than two sets have the three pairs that a calibration needs above a score.

    python -m benchmarks.card_figures --data LFW --more CELEBA AGES --models sface dlib-resnet --json FILE

LFW is measured once more with degraded pictures. Pictures of `--more` without names count as one
person each. Genuine pairs are the 3,000 matched ones of LFW's own list. Embeddings are kept in `--cache DIR`.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks import photograph_sets
from benchmarks.photograph_sets import PhotographSet, embedded
from indexer.calibration.fitting import fit as fitting
from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.impostors import collect
from indexer.calibration.fitting.surface import MAX_FACTOR
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.evaluation.lfw import read_pairs
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipelines

RATES = (0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_SCORES = np.linspace(-0.3, 1.1, 2_801)
_FPIRS = (0.0, 0.01, 0.1)
"""The range covers the searches of galleries in which a rate gives these FPIRs; 0 stands for one face."""


def main() -> None:
    arguments = _arguments()
    matched = [pair for pair in read_pairs(arguments.data) if pair.matched]
    pairs = PhotographSet(
        name=f"{arguments.data.name}-pairs",
        files=tuple(sorted({file for pair in matched for file in (pair.first, pair.second)})),
    )
    lfw = photograph_sets.read(arguments.data)
    sets = [lfw, photograph_sets.degraded(lfw), *map(photograph_sets.read, arguments.more)]
    settings = Settings()
    with open_pipelines(settings, arguments.models or [settings.model]) as pipelines:
        cards = [pipeline.card for pipeline in pipelines]
        of_sets = [embedded(photographs, pipelines, arguments.cache) for photographs in sets]
        of_pairs = embedded(pairs, pipelines, arguments.cache)
    rows = {file: row for row, file in enumerate(pairs.files)}
    first, second = (
        np.array([rows[file] for file in files])
        for files in ([pair.first for pair in matched], [pair.second for pair in matched])
    )
    result = {}
    for model, card in enumerate(cards):
        vectors, found = of_pairs[model]
        genuine = np.einsum("nd,nd->n", vectors[first], vectors[second])[found[first] & found[second]]
        print(f"{card.fingerprint}: {len(genuine):,} genuine pairs", flush=True)
        curves = []
        for photographs, of_set in zip(sets, of_sets, strict=True):
            vectors, found = of_set[model]
            curves.append(curve(vectors[found], float(np.median(genuine))))
            _print(photographs.name, curves[-1])
        result[card.fingerprint] = figures(curves) | {"genuine_scores": _quantiles(genuine)}
        print(json.dumps(result[card.fingerprint]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")


def curve(vectors: Vectors, likely: float) -> MeasuredCurve:
    """`vectors`, shape (people, dimension); `likely`: as for `suspects.find`."""
    impostors = collect(vectors, np.arange(len(vectors)))
    return fitting.fit(impostors, suspected=suspects.find(impostors, likely))


def figures(curves: Sequence[MeasuredCurve]) -> dict[str, list[tuple[float, float]]]:
    """`score_at_fmr` and `fmr_ranges` of a card. `curves`: at least two, one for each set."""
    logs = [np.log([estimate.estimate(float(score), 1).fpir for score in _SCORES]) for estimate in curves]
    mean = np.mean(logs, axis=0)
    score_at_fmr: list[tuple[float, float]] = []
    ranges: list[tuple[float, float]] = []
    for rate in RATES:
        score = round(float(np.interp(-np.log(rate), -mean, _SCORES)), 4)
        ends = np.array([end for measured in curves for end in _ends(measured, score, rate)])
        supported = sum(measured.least_fpir(1) <= rate for measured in curves)
        if supported < min(2, len(curves)) or ends.max() > MAX_FACTOR * rate:
            break
        score_at_fmr.append((rate, score))
        ranges.append((_significant(min(rate, ends.min())), _significant(max(rate, ends.max()))))
    return {"score_at_fmr": score_at_fmr, "fmr_ranges": ranges}


def _ends(measured: MeasuredCurve, score: float, rate: float) -> NDArray[np.float64]:
    """Of the 95 % intervals of the FMR, as it follows from the FPIR in galleries of several sizes."""
    ends = []
    for fpir in _FPIRS:
        faces = max(1, round(fpir / rate))
        interval = measured.estimate(score, faces).interval
        assert interval is not None
        ends.append(-np.expm1(np.log1p(-np.array(interval)) / faces))
    return np.concatenate(ends)


def _print(name: str, measured: MeasuredCurve) -> None:
    print(f"{name}: {measured.identities:,} people, {measured.suspected} suspected comparisons left out")
    for rate in RATES:
        score = measured.threshold(rate, 1)
        low, high = measured.estimate(score, 1).interval or (0, 1)
        note = "" if measured.least_fpir(1) <= rate else ", not supported"
        print(f"  FMR {rate:<8g} score {score:.4f}, 95 % {low:.2g} to {high:.2g}{note}", flush=True)


def _quantiles(genuine: NDArray[np.float32]) -> list[float]:
    return [round(float(score), 3) for score in np.quantile(genuine, np.linspace(0, 1, 21))]


def _significant(rate: float) -> float:
    return float(f"{rate:.3g}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.card_figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW: one folder per person")
    parser.add_argument("--more", type=Path, nargs="*", default=[], help="further sets")
    parser.add_argument("--models", nargs="*", help="names as of GEMEL_MODEL, which is the default")
    parser.add_argument("--cache", type=Path, default=Path("benchmarks-cache"))
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
