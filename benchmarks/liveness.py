"""Fits the fusion of the three liveness networks: python -m benchmarks.liveness FOLDER ...

Each folder has photographs of people, one of each; every other one is fitted on, and the rest tested on. The
attacks are computed from the photographs. Prints the weights of pictures with and without surroundings, the
rates on the rest, and the factor by which the log-odds there should be divided (1: confidences are right).
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.attributes.head import FaceView
from indexer.attributes.heads.liveness.fusion import HIGHEST, LOWEST
from indexer.attributes.heads.liveness.head import is_close, reason_against
from indexer.attributes.heads.liveness.networks import LivenessNetworks
from indexer.attributes.heads.opening import LIVENESS
from indexer.evaluation.attributes.liveness.presentations import BONA_FIDE, Presentation, readable
from indexer.evaluation.attributes.liveness.rates import auc
from indexer.pipeline.pipeline import Pipeline
from indexer.request_timings import Stopwatch
from indexer.settings import Settings
from indexer.usecases.bootstrap import open_pipeline
from indexer.vision.attacks.kinds import ATTACKS
from indexer.weights.locate import read_verified
from indexer.weights.store import WeightStore

RIDGE = 1.0
Floats = NDArray[np.float64]


def main() -> None:
    settings = Settings()
    store = WeightStore.of(settings)
    networks = LivenessNetworks(*(read_verified(file, store) for file in LIVENESS), threads=1)
    rows: list[tuple[bool, str, int, list[float]]] = []
    with open_pipeline(settings) as pipeline:
        for folder in sys.argv[1:]:
            for person, file in enumerate(sorted(Path(folder).rglob("*.jp*g"))):
                for kind, attack in [(BONA_FIDE, None), *((name, name) for name in ATTACKS)]:
                    face = _face(pipeline, Presentation(kind=kind, file=file, attack=attack))
                    if face is not None and reason_against(face) is None:
                        [odds] = networks.log_odds([face])
                        rows.append((is_close(face), kind, person, odds.tolist()))
    for close in (False, True):
        some = [row[1:] for row in rows if row[0] == close]
        kinds, people = np.array([row[0] for row in some]), np.array([row[1] for row in some])
        odds = np.clip(np.array([row[2] for row in some]), LOWEST, HIGHEST)
        _report("close" if close else "wide", kinds, people, np.c_[odds[:, :2].mean(axis=1), odds[:, 2]])


def _face(pipeline: Pipeline, presentation: Presentation) -> FaceView | None:
    data = readable(presentation, pipeline.decoder)
    photograph = None if data is None else pipeline.detect(data, Stopwatch(), max_faces=1)
    if photograph is None or not photograph.faces:
        return None
    [aligned] = photograph.faces
    return FaceView.of(photograph, aligned)


def _report(name: str, kinds: NDArray[np.str_], people: NDArray[np.int64], odds: Floats) -> None:
    live, fitted = kinds == BONA_FIDE, people % 2 == 0
    weights = _fit(odds[fitted], live[fitted])
    fused = odds @ weights[:-1] + weights[-1]
    rest = ~fitted
    apcer = {
        kind: float((fused[rest & (kinds == kind)] >= 0).mean())
        for kind in np.unique(kinds)
        if kind != BONA_FIDE
    }
    print(name, "of half:", weights.round(3), "of all:", _fit(odds, live).round(3))
    print("  BPCER", float((fused[rest & live] < 0).mean()), "APCER", apcer)
    print("  AUC", auc(fused[rest & live], fused[rest & ~live]))
    factors = np.linspace(0.5, 2.5, 21)
    print("  factor", min(factors, key=lambda factor: _loss(fused[rest] / factor, live[rest])))


def _fit(odds: Floats, live: NDArray[np.bool_]) -> Floats:
    """Logistic regression by Newton's method; people and attacks weigh the same."""
    inputs, shares = np.c_[odds, np.ones(len(odds))], _shares(live) * len(live)
    weights, ridge = np.zeros(inputs.shape[1]), np.diag(np.full(inputs.shape[1], RIDGE))
    ridge[-1, -1] = 0
    for _ in range(50):
        likely = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (shares * (likely - live)) + ridge @ weights
        curve = (inputs.T * (shares * likely * (1 - likely))) @ inputs + ridge
        weights = weights - np.linalg.solve(curve, slope)
    return weights


def _loss(fused: Floats, live: NDArray[np.bool_]) -> float:
    return float((_shares(live) * np.logaddexp(0, np.where(live, -fused, fused))).sum())


def _shares(live: NDArray[np.bool_]) -> Floats:
    return np.asarray(np.where(live, 0.5 / live.sum(), 0.5 / (~live).sum()), np.float64)


if __name__ == "__main__":
    main()
