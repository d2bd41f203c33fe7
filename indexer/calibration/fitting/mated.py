"""Scores of mated searches in a gallery: each face against the other faces of the same person."""

import numpy as np
from numpy.typing import NDArray

from indexer.calibration.threshold.misses import MatedScores
from indexer.mean_template import MIN_FACES
from indexer.types import PersonScore, Vectors

MAX_PEOPLE = 20_000
"""Of more people with several faces, this many are drawn."""
MAX_PROBES = 20
"""Faces of one person that are searched for."""
_SHARES = np.unique(np.concatenate([np.linspace(0, 0.05, 101), np.linspace(0.05, 1, 96)]))
"""Of the stored quantiles: every 0.05 % where misses are rare, every 1 % above."""


def collect(
    vectors: Vectors,
    people: NDArray[np.int64],
    person_score: PersonScore = PersonScore.NEAREST,
    *,
    seed: int = 0,
) -> MatedScores | None:
    """`vectors`, shape (n, dimension): of length 1; `people`, shape (n,): a number for each person.

    A person's score is made as in a search of a gallery with that `person_score`, without the probe. None if
    nobody has two faces.
    """
    order = np.argsort(people, kind="stable")
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    several = np.flatnonzero(counts > 1)
    if not len(several):
        return None
    rng = np.random.default_rng(seed)
    if len(several) > MAX_PEOPLE:
        several = np.sort(rng.choice(several, MAX_PEOPLE, replace=False))
    scores = np.concatenate(
        [
            _of_person(vectors[order[starts[one] : starts[one] + counts[one]]], person_score, rng)
            for one in several
        ]
    )
    return MatedScores(
        shares=_SHARES,
        scores=np.quantile(scores.astype(np.float64), _SHARES),
        people=len(several),
        searches=len(scores),
    )


def _of_person(faces: Vectors, person_score: PersonScore, rng: np.random.Generator) -> NDArray[np.float32]:
    """The score of each probe, of at most MAX_PROBES faces of a person with two or more."""
    probes = np.arange(len(faces))
    if len(probes) > MAX_PROBES:
        probes = rng.choice(probes, MAX_PROBES, replace=False)
    scores = faces[probes] @ faces.T
    scores[np.arange(len(probes)), probes] = -np.inf
    best = scores.max(axis=1)
    if person_score is not PersonScore.FUSED or len(faces) - 1 < MIN_FACES:
        return np.asarray(best, np.float32)
    others = faces.sum(axis=0, dtype=np.float64) - faces[probes]
    others /= np.maximum(np.linalg.norm(others, axis=1, keepdims=True), 1e-12)
    return np.asarray((best + (faces[probes] * others).sum(axis=1)) / 2, np.float32)
