"""The rates of leave-one-out identification.

Each face is taken out of the gallery and searched for among the rest. The search is mated if the person has
another face. The best face of another person is the score of a stranger: so each face is a non-mated search
as well. FPIR and FNIR are defined as in `identification.rates`, the intervals as in `intervals`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.mean_template import MIN_FACES
from indexer.types import PersonScore, Vectors

NO_SCORE = -2.0
"""Below every cosine: the face has no embedding, or there is no other face."""
_BLOCK = 512
_MANY = 20_000
_RESAMPLES_OF_MANY = 100
"""For more than `_MANY` probes: the bounds of the intervals are less precise, but take only seconds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """The results of all searches, one item per probe."""

    person: NDArray[np.int64]
    mated: NDArray[np.bool_]
    """Whether the person has another face enrolled."""
    own: NDArray[np.float32]
    """The score of the person, by the person's other faces."""
    other: NDArray[np.float32]
    """The best score of another person."""
    nearest: NDArray[np.int64]
    """The index of the nearest face of the person with the best score."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.own > self.other)


def search(
    vectors: Vectors,
    present: NDArray[np.bool_],
    people: NDArray[np.int64],
    probes: NDArray[np.int64],
    person_score: PersonScore = PersonScore.NEAREST,
) -> Searches:
    """Exact search in blocks.

    `vectors` (n, dimension); `present` (n,): whether each face has an embedding; `people` (n,): the person of
    each face; `probes` (m,): the indices of the faces to search for. `person_score`: the gallery's. The
    template of the probe's person is made without the probe.
    """
    own = np.full(len(probes), NO_SCORE, np.float32)
    other = np.full(len(probes), NO_SCORE, np.float32)
    nearest = np.full(len(probes), -1, np.int64)
    order = np.argsort(people, kind="stable")
    _, starts, person, counts = np.unique(
        people[order], return_index=True, return_inverse=True, return_counts=True
    )
    person_of = np.empty(len(people), np.int64)
    person_of[order] = person
    templates = _Templates(vectors, present, person_of, len(starts)) if len(people) else None
    for start in range(0, len(probes), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(probes)))
        scores = vectors[probes[block]] @ vectors.T
        scores[:, ~present] = NO_SCORE
        rows = np.arange(len(scores))
        scores[rows, probes[block]] = NO_SCORE
        scores = scores[:, order]
        best = np.maximum.reduceat(scores, starts, axis=1)
        mates = person_of[probes[block]]
        if person_score is PersonScore.FUSED and templates is not None:
            best = templates.fused(best, probes[block])
        first = best.argmax(axis=1)
        own[block] = best[rows, mates]
        best[rows, mates] = NO_SCORE
        other[block] = best.max(axis=1)
        for row, place in enumerate(range(block.start, block.stop)):
            begin, count = starts[first[row]], counts[first[row]]
            nearest[place] = order[begin + scores[row, begin : begin + count].argmax()]
    lost = ~present[probes]
    own[lost], other[lost], nearest[lost] = NO_SCORE, NO_SCORE, -1
    mated = counts[person_of[probes]] > 1
    return Searches(person=people[probes], mated=mated, own=own, other=other, nearest=nearest)


class _Templates:
    """The sums of the embeddings of each person, of which templates follow."""

    def __init__(
        self, vectors: Vectors, present: NDArray[np.bool_], person_of: NDArray[np.int64], people: int
    ) -> None:
        self._vectors, self._present, self._person_of = vectors, present, person_of
        self._sums = np.zeros((people, vectors.shape[1]))
        np.add.at(self._sums, person_of[present], vectors[present])
        self._faces = np.bincount(person_of[present], minlength=people)
        lengths = np.maximum(np.linalg.norm(self._sums, axis=1, keepdims=True), 1e-12)
        self._means = (self._sums / lengths).astype(np.float32)

    def fused(self, best: NDArray[np.float32], probes: NDArray[np.int64]) -> NDArray[np.float32]:
        """`best`: (probes, people), the score of each person's nearest face."""
        vectors, rows, mates = self._vectors[probes], np.arange(len(probes)), self._person_of[probes]
        fused = (best + vectors @ self._means.T) / np.float32(2)
        without = self._sums[mates] - vectors
        lengths = np.maximum(np.linalg.norm(without, axis=1), 1e-12)
        own = np.einsum("nd,nd->n", without, vectors) / lengths
        fused[rows, mates] = (best[rows, mates] + own) / 2
        faces = np.tile(self._faces, (len(probes), 1))
        faces[rows, mates] -= self._present[probes]
        return np.where(faces >= MIN_FACES, fused, best)


def det(searches: Searches, fpirs: NDArray[np.float64]) -> list[list[float]]:
    """(FPIR, FNIR) at each of `fpirs` that this number of searches resolves. Needs a mated search."""
    other = np.sort(searches.other)
    allowed = np.floor(fpirs[fpirs * len(other) >= 1] * len(other) + 1e-9).astype(np.int64)
    allowed = np.minimum(np.unique(allowed), len(other) - 1)
    own = searches.own[searches.mated & searches.correct]
    limits = other[len(other) - 1 - allowed]
    found = (own[:, None] > limits).sum(axis=0) / searches.mated.sum()
    return [[float(a) / len(other), 1.0 - float(f)] for a, f in zip(allowed, found, strict=True)]


def rates(searches: Searches, fpirs: Sequence[float], *, seed: int = 0) -> dict[str, Any]:
    """Rank-1, and FNIR with its threshold at each FPIR, with intervals; None if nobody has two faces."""
    mated = searches.mated
    if not mated.any():
        return {"rank1": None, "mated": 0, "mated_people": 0, "nonmated": len(mated), "at_fpir": {}}
    people = len(np.unique(searches.person[mated]))
    hits = np.where(searches.correct, searches.own, -np.inf).astype(np.float32)[mated]
    tradeoff = Tradeoff(hits, searches.other)
    every = np.ones(len(mated), np.int64)
    resamples = RESAMPLES if len(mated) <= _MANY else _RESAMPLES_OF_MANY
    rank1s, fnirs = [], []
    for weights in draws(searches.person, resamples, seed):
        rank1s.append(tradeoff.found(weights[mated]))
        limits = [tradeoff.threshold(weights, fpir) for fpir in fpirs]
        fnirs.append([1 - tradeoff.found(weights[mated], limit) for limit in limits])
    thresholds = [tradeoff.threshold(every, fpir) for fpir in fpirs]
    found = tradeoff.found(every[mated])
    missed = [1 - tradeoff.found(every[mated], threshold) for threshold in thresholds]
    return {
        "rank1": found,
        "rank1_interval": _listed(interval_of(found, rank1s, people)),
        "mated": int(mated.sum()),
        "mated_people": people,
        "nonmated": len(mated),
        "at_fpir": {
            str(fpir): {
                "fnir": fnir,
                "interval": _listed(interval_of(fnir, column, people)),
                "threshold": threshold,
            }
            for fpir, threshold, fnir, column in zip(
                fpirs, thresholds, missed, zip(*fnirs, strict=True), strict=True
            )
        },
    }


def _listed(bounds: Interval | None) -> list[float] | None:
    return None if bounds is None else list(bounds)
