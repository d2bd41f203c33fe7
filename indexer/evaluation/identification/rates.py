"""One to many in an open set: who of the enrolled is this, if anyone? Not for pairs.

Who is enrolled and who is searched for, `roles` says. FPIR and FNIR are those of ISO/IEC
19795-1 and of NIST's FRVT 1:N (Grother et al. 2019, NISTIR 8271): the share of non-mated searches that
raise a false alarm, and the share of mated ones that do not return the right person first and above the
threshold. Both belong to the gallery's size: in a larger one the same model does worse.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.evaluation.open_set import OpenSet, Roles, roles, split, split_labels
from indexer.pipeline.embed_files import NO_SCORE, Embeddings
from indexer.types import Vectors

FPIRS = (0.001, 0.01, 0.1)
RANKS = (1, 5, 10, 20)
MOST_RANKS = 50

_BLOCK = 1024
"""Probes that are compared with the gallery at once."""

__all__ = [
    "Det",
    "IdentificationResult",
    "OpenSet",
    "Roles",
    "Searches",
    "cmc",
    "det",
    "measure",
    "point_at",
    "roles",
    "search",
    "search_vectors",
    "split",
    "split_labels",
]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """What each search found. Scores are cosines, NO_SCORE where a face was not found."""

    own: NDArray[np.float32]
    """Shape (m,): of mated probes, the score of their own person."""
    other: NDArray[np.float32]
    """Shape (m,): of mated probes, the best score of anybody else."""
    nonmated: NDArray[np.float32]
    """Shape (n,): of non-mated probes, the best score."""
    ranks: NDArray[np.int64]
    """Shape (m,): the place of the own person, from 1; after everyone whom they tie with."""
    mates: NDArray[np.int64]
    """Shape (m,): who each mated probe is."""
    strangers: NDArray[np.int64]
    """Shape (n,): who each non-mated probe is."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the right person came first. A tie with another person is an error."""
        return np.asarray(self.own > self.other)

    @property
    def mated(self) -> NDArray[np.float32]:
        """The score in the first place."""
        return np.maximum(self.own, self.other)

    @property
    def hits(self) -> NDArray[np.float32]:
        """The score where the right person came first, minus infinity elsewhere."""
        return np.where(self.correct, self.own, np.float32(-np.inf))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Det:
    """A point for each non-mated search, its score as threshold, falling."""

    thresholds: NDArray[np.float64]
    """An answer is given strictly above it."""
    fpir: NDArray[np.float64]
    fnir: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationResult:
    gallery: int
    """People enrolled, with or without a face that was found."""
    mated: int
    nonmated: int
    rank1: float
    """Share of mated probes whose best gallery entry is their own, at whatever score."""
    fnir_at_fpir: dict[str, float]
    """By the FPIR that is allowed."""
    threshold_at_fpir: dict[str, float]
    rank1_interval: Interval | None
    """95 %, bootstrap by identity."""
    fnir_interval: dict[str, Interval | None]
    within_rank: dict[str, float]
    """Closed set: the share of mated probes whose own person is among the first k, by k."""
    undetected: int
    """Images without an embedding: never found if enrolled, a miss if mated, silent if non-mated."""
    seconds: float
    model: str
    """The fingerprint."""


def search(embeddings: Embeddings, open_set: OpenSet) -> Searches:
    return search_vectors(embeddings.vectors, embeddings.found, roles(embeddings, open_set))


def search_vectors(vectors: Vectors, found: NDArray[np.bool_], roles: Roles) -> Searches:
    """`vectors` (rows, dimension), `found` (rows,): which of them are there.

    Exact, in blocks: the memory does not grow with the number of probes.
    """
    own = np.full(len(roles.mated), NO_SCORE, np.float32)
    other = np.full(len(roles.mated), NO_SCORE, np.float32)
    ranks = np.full(len(roles.mated), len(roles.gallery), np.int64)
    for block, scores in _scores(vectors, found, roles.gallery, roles.mated):
        places = np.arange(len(scores)), roles.mates[block]
        own[block] = scores[places]
        scores[places] = NO_SCORE
        other[block] = scores.max(axis=1)
        # Its own place counts in the sum only where it has no score either: then it comes last.
        ranks[block] = np.minimum(1 + (scores >= own[block, np.newaxis]).sum(axis=1), len(roles.gallery))
    nonmated = np.full(len(roles.nonmated), NO_SCORE, np.float32)
    for block, scores in _scores(vectors, found, roles.gallery, roles.nonmated):
        nonmated[block] = scores.max(axis=1)
    return Searches(
        own=own, other=other, nonmated=nonmated, ranks=ranks, mates=roles.mates, strangers=roles.strangers
    )


def measure(
    searches: Searches,
    *,
    gallery: int,
    undetected: int,
    seconds: float,
    model: str,
    resamples: int = RESAMPLES,
) -> IdentificationResult:
    """`resamples`: for the intervals, which are None without any."""
    curve = det(searches)
    points = {str(fpir): point_at(curve, fpir) for fpir in FPIRS}
    rank1 = float(searches.correct.mean())
    fnirs = {fpir: float(curve.fnir[point]) for fpir, point in points.items()}
    rank1_interval, fnir_interval = _intervals(searches, resamples, rank1, fnirs)
    ranks = cmc(searches)
    return IdentificationResult(
        gallery=gallery,
        mated=len(searches.own),
        nonmated=len(searches.nonmated),
        rank1=rank1,
        fnir_at_fpir=fnirs,
        threshold_at_fpir={fpir: float(curve.thresholds[point]) for fpir, point in points.items()},
        rank1_interval=rank1_interval,
        fnir_interval=fnir_interval,
        within_rank={str(k): float(ranks[min(k, len(ranks)) - 1]) for k in RANKS},
        undetected=undetected,
        seconds=seconds,
        model=model,
    )


def cmc(searches: Searches, most: int = MOST_RANKS) -> NDArray[np.float64]:
    """The cumulative match characteristic (ISO/IEC 19795-1): for k from 1 to `most`, the share of mated
    probes whose own person is among the first k, at whatever score. A probe or a person without an
    embedding is never found."""
    ranks = np.where(searches.own > NO_SCORE, searches.ranks, most + 1)
    counts = np.bincount(np.minimum(ranks, most + 1), minlength=most + 2)
    return np.asarray(np.cumsum(counts[1 : most + 1]) / len(ranks), np.float64)


def _intervals(
    searches: Searches, resamples: int, rank1: float, fnir: dict[str, float]
) -> tuple[Interval | None, dict[str, Interval | None]]:
    people = len(np.unique(searches.mates))
    tradeoff = Tradeoff(searches.hits, searches.nonmated)
    rank1s, fnirs = [], []
    for mated, nonmated in zip(
        draws(searches.mates, resamples, (0, 0)), draws(searches.strangers, resamples, (0, 1)), strict=True
    ):
        rank1s.append(tradeoff.found(mated))
        limits = [tradeoff.threshold(nonmated, fpir) for fpir in FPIRS]
        fnirs.append([1 - tradeoff.found(mated, limit) for limit in limits])
    columns = np.array(fnirs, np.float64).reshape(-1, len(FPIRS)).T
    return interval_of(rank1, rank1s, people), {
        str(fpir): interval_of(fnir[str(fpir)], column, people)
        for fpir, column in zip(FPIRS, columns, strict=True)
    }


def det(searches: Searches) -> Det:
    """The detection error tradeoff, as far as the non-mated searches resolve it."""
    thresholds = -np.sort(-searches.nonmated)
    found = np.sort(searches.mated[searches.correct])
    above = len(found) - np.searchsorted(found, thresholds, side="right")
    false_alarms = len(thresholds) - np.searchsorted(thresholds[::-1], thresholds, side="right")
    return Det(
        thresholds=thresholds.astype(np.float64),
        fpir=false_alarms / len(thresholds),
        fnir=1 - above / len(searches.mated),
    )


def point_at(curve: Det, fpir: float) -> int:
    """The place on `curve` of the lowest threshold that a share of at most `fpir` exceeds."""
    return int(np.searchsorted(curve.fpir, fpir, side="right")) - 1


def _scores(
    vectors: Vectors, found: NDArray[np.bool_], gallery: NDArray[np.int64], probes: NDArray[np.int64]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Cosines of shape (probes in the block, gallery), NO_SCORE where either face was not found."""
    enrolled, enrolled_found = vectors[gallery], found[gallery]
    for start in range(0, len(probes), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(probes)))
        scores = vectors[probes[block]] @ enrolled.T
        scores[:, ~enrolled_found] = NO_SCORE
        scores[~found[probes[block]]] = NO_SCORE
        yield block, scores
