"""The same task for every contender: a gallery, probes for people in it, and the answers of exact search."""

from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks import face_vectors
from indexer.types import Keys, Vectors

K = 10
FPIR = 0.01
SEED = 0
PROBES = 10_000
STRANGERS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    gallery: Vectors
    probes: Vectors
    """Second photographs of people of the gallery; all contenders get them in this order."""
    mates: Keys
    """The places of their mates in the gallery."""
    exact: Keys
    """The place that exact search, float32, answers first."""
    above: NDArray[np.bool_]
    """Whether that answer's score reaches the threshold."""
    threshold: float
    """The score that a share of FPIR of the strangers reaches in this gallery."""

    @property
    def n(self) -> int:
        return len(self.gallery)


def pose(gallery: Vectors, *, probes: int = PROBES, strangers: int = STRANGERS) -> Task:
    """`gallery`: of `face_vectors`, shape (n, dimension)."""
    # A person may be searched for more than once, by another picture each time: 10,000 faces, 10,000 probes.
    mates = np.random.default_rng((SEED, len(gallery))).integers(len(gallery), size=probes)
    searched = face_vectors.probes(gallery[mates], SEED)
    scores, exact = first_answers(gallery, searched)
    false_alarms, _ = first_answers(gallery, face_vectors.strangers(strangers, SEED))
    threshold = float(np.quantile(false_alarms, 1 - FPIR, method="higher"))
    return Task(
        gallery=gallery,
        probes=searched,
        mates=mates,
        exact=exact,
        above=scores >= threshold,
        threshold=threshold,
    )


def first_answers(gallery: Vectors, probes: Vectors) -> tuple[NDArray[np.float32], Keys]:
    """Scores and places, each of shape (n,), of every probe's nearest: all are compared, in float32."""
    scores, places = faiss.knn(probes, gallery, 1, metric=faiss.METRIC_INNER_PRODUCT)
    return scores[:, 0], places[:, 0]
