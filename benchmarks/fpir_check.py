"""Whether the running check warns of more false alarms than promised, and only then.

Galleries of people with two pictures, and of people with one, are drawn several times. The second pictures
and the other people are searched for, in random order, by the check that serves; it is judged every 250
searches. The calibration is the gallery's own, or its thresholds are lowered until two or three times as many
strangers as promised reach the one for FPIR 1 %, or it was made on LFW and the pictures are others.

    python -m benchmarks.fpir_check --data LFW --celeba CELEBA

Embeddings are kept in `--cache DIR`.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
from numpy.typing import NDArray

from benchmarks import photograph_sets
from benchmarks.calibration.trials import CARD, LIKELY
from benchmarks.photograph_sets import PhotographSet
from indexer.calibration.active import ActiveCalibration
from indexer.calibration.check.tally import ScoredPerson, SearchTally
from indexer.calibration.check.verdict import judge
from indexer.calibration.fitting import fit as fitting
from indexer.calibration.fitting import suspects
from indexer.calibration.fitting.impostors import collect
from indexer.calibration.threshold.decision import decide
from indexer.calibration.threshold.measured_curve import MeasuredCurve
from indexer.evaluation import lfw
from indexer.records.search_counts import SearchCounts
from indexer.records.tables import Gallery
from indexer.settings import Settings
from indexer.types import Vectors
from indexer.usecases.bootstrap import open_pipeline

FPIR = 0.01
MATED = (0.0, 0.5, 0.95)
"""Shares of searches for enrolled people."""
JUDGED_EVERY = 250
_RESAMPLES = 40


def main() -> None:
    arguments = _arguments()
    people = lfw.read_people(arguments.data)
    first = photograph_sets.read(arguments.data)
    sets = {
        "first": first,
        "second": PhotographSet(
            name=f"{first.name}-second",
            files=tuple(person.images[1] for person in people if len(person.images) > 1),
        ),
        "degraded": photograph_sets.degraded(first),
        "celeba": photograph_sets.read(arguments.celeba),
    }
    with open_pipeline(Settings(model="sface", mirror=True)) as pipeline:
        made = {
            name: photograph_sets.embedded(one, [pipeline], arguments.cache)[0] for name, one in sets.items()
        }
    two = np.flatnonzero([len(person.images) > 1 for person in people])
    (vectors, found), (seconds, found_second) = made["first"], made["second"]
    pairs = np.flatnonzero(found[two] & found_second)
    degraded, celeba = (made[name][0][made[name][1]] for name in ("degraded", "celeba"))
    warned: dict[str, list[int | None]] = {}
    for draw in range(arguments.draws):
        rng = np.random.default_rng(draw)
        mated = rng.permutation(pairs)[: arguments.people // 2]
        alone = rng.permutation(np.setdiff1d(np.flatnonzero(found), two))[: arguments.people // 2]
        enrolled = np.concatenate([two[mated], alone])
        strangers = vectors[np.setdiff1d(np.flatnonzero(found), enrolled)]
        gallery, probes = vectors[enrolled], seconds[mated]
        own = _curve(gallery)
        for share in MATED:
            for times in (1, 2, 3):
                curve = own if times == 1 else _lowered(own, times, strangers, gallery)
                name = f"{times} x the promise, {share:.0%} enrolled"
                found_at = _search(curve, gallery, probes, strangers, share, arguments.searches, rng)
                warned.setdefault(name, []).append(found_at)
        for name, among in (("CelebA", celeba), ("degraded", degraded)):
            order = rng.permutation(len(among))
            inside, outside = among[order[: arguments.people]], among[order[arguments.people :]]
            found_at = _search(own, inside, probes, outside, 0.0, arguments.searches, rng)
            warned.setdefault(f"{name} gallery and strangers, calibrated on LFW", []).append(found_at)
        for name, at in warned.items():
            times_found = [one for one in at if one is not None]
            after = f", after {np.median(times_found):,.0f} searches" if times_found else ""
            print(f"{name}: {len(times_found)} of {len(at)} draws warned{after}", flush=True)


def _curve(gallery: Vectors) -> MeasuredCurve:
    impostors = collect(gallery, np.arange(len(gallery)))
    return fitting.fit(impostors, suspected=suspects.find(impostors, LIKELY), resamples=_RESAMPLES)


def _lowered(curve: MeasuredCurve, times: int, strangers: Vectors, gallery: Vectors) -> MeasuredCurve:
    """A calibration by which `times` as many strangers as promised reach the threshold."""
    best = (strangers @ gallery.T).max(axis=1)
    threshold = curve.threshold(FPIR, len(gallery))
    return replace(curve, scores=curve.scores - (threshold - np.quantile(best, 1 - times * FPIR)))


def _search(
    curve: MeasuredCurve,
    gallery: Vectors,
    mated: Vectors,
    strangers: Vectors,
    share: float,
    searches: int,
    rng: np.random.Generator,
) -> int | None:
    """After how many searches a warning came; None if there was none."""
    calibration = ActiveCalibration(curve=curve, kind="gallery", id=uuid4())
    row = Gallery(name="staff", model_id=1)
    row.id = uuid4()
    decision = decide(calibration, FPIR, len(gallery))
    tally, total = SearchTally(), SearchCounts()
    for start in range(0, searches, JUDGED_EVERY):
        known = int((rng.random(JUDGED_EVERY) < share).sum())
        probes = np.concatenate(
            [
                mated[rng.integers(0, len(mated), known)],
                strangers[rng.integers(0, len(strangers), JUDGED_EVERY - known)],
            ]
        )
        for one, other in _two_best(probes @ gallery.T):
            tally.add(row, CARD, decision, len(gallery), [one, other])
        for counts in tally.take().values():
            total.add(counts)
        if judge(total).verdict == "exceeded":
            return start + JUDGED_EVERY
    return None


def _two_best(scores: NDArray[np.float32]) -> list[tuple[ScoredPerson, ScoredPerson]]:
    places = np.argsort(-scores, axis=1)[:, :2]
    best = np.take_along_axis(scores, places, axis=1)
    return [
        (ScoredPerson(UUID(int=int(a)), float(first)), ScoredPerson(UUID(int=int(b)), float(second)))
        for (a, b), (first, second) in zip(places, best, strict=True)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fpir_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="LFW")
    parser.add_argument("--celeba", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=Path("benchmarks-cache"))
    parser.add_argument(
        "--people", type=int, default=1_000, help="enrolled, half of them with a second picture"
    )
    parser.add_argument("--searches", type=int, default=10_000)
    parser.add_argument("--draws", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
