"""The rates of identification in an open set: rank-1, FNIR at FPIR, and the CMC.

`open_set` defines the gallery and the probes. FPIR and FNIR are those of ISO/IEC 19795-1 and of NIST's
FRVT 1:N (Grother et al. 2019, NISTIR 8271): the share of non-mated searches that raise a false alarm, and the
share of mated searches that do not return the right person first and above the threshold. Both depend on the
gallery's size: the same model has higher rates in a larger gallery.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.intervals import RESAMPLES, Interval, Tradeoff, draws, interval_of
from indexer.evaluation.open_set import Roles
from indexer.pipeline.embed_files import NO_SCORE
from indexer.types import Vectors

FPIRS = (0.001, 0.01, 0.1)
RANKS = (1, 5, 10, 20)
MOST_RANKS = 50

_BLOCK = 1024
"""Number of probes that are compared with the gallery at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """The results of all searches. Scores are cosines, NO_SCORE if a face was not found."""

    own: NDArray[np.float32]
    """Shape (m,): for each mated probe, the score of its own person."""
    other: NDArray[np.float32]
    """Shape (m,): for each mated probe, the best score of another person."""
    nonmated: NDArray[np.float32]
    """Shape (n,): for each non-mated probe, the best score."""
    ranks: NDArray[np.int64]
    """Shape (m,): the rank of the own person, from 1; in a tie, the last rank of the tie."""
    mates: NDArray[np.int64]
    """Shape (m,): the person of each mated probe."""
    strangers: NDArray[np.int64]
    """Shape (n,): the person of each non-mated probe."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        """Whether the right person comes first. A tie with another person is an error."""
        return np.asarray(self.own > self.other)

    @property
    def mated(self) -> NDArray[np.float32]:
        """The score at rank 1."""
        return np.maximum(self.own, self.other)

    @property
    def hits(self) -> NDArray[np.float32]:
        """The score if the right person comes first, else minus infinity."""
        return np.where(self.correct, self.own, np.float32(-np.inf))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Det:
    """One point per non-mated search, its score as the threshold, in falling order."""

    thresholds: NDArray[np.float64]
    """An answer is returned strictly above it."""
    fpir: NDArray[np.float64]
    fnir: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationResult:
    gallery: int
    """People enrolled, with or without a detected face."""
    mated: int
    nonmated: int
    rank1: float
    """Share of mated probes whose best gallery entry is their own, at any score."""
    fnir_at_fpir: dict[str, float]
    """By the highest FPIR allowed."""
    threshold_at_fpir: dict[str, float]
    rank1_interval: Interval | None
    """95 %, bootstrap by identity."""
    fnir_interval: dict[str, Interval | None]
    within_rank: dict[str, float]
    """Closed set: the share of mated probes whose own person is among the first k, by k."""
    undetected: int
    """Images without an embedding. In the gallery they are never found, as mated probes they are misses, as
    non-mated probes they raise no alarm."""
    seconds: float
    model: str
    """Its fingerprint."""


def search(vectors: Vectors, found: NDArray[np.bool_], roles: Roles) -> Searches:
    """`vectors` (rows, dimension); `found` (rows,): whether each row has an embedding.

    Exact search in blocks: memory does not grow with the number of probes.
    """
    own = np.full(len(roles.mated), NO_SCORE, np.float32)
    other = np.full(len(roles.mated), NO_SCORE, np.float32)
    ranks = np.full(len(roles.mated), len(roles.gallery), np.int64)
    for block, scores in _scores(vectors, found, roles.gallery, roles.mated):
        places = np.arange(len(scores)), roles.mates[block]
        own[block] = scores[places]
        scores[places] = NO_SCORE
        other[block] = scores.max(axis=1)
        # The sum counts the own place only if it has no score either: then it ranks last.
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
    """`resamples`: for the intervals; with 0 they are None."""
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
    """The cumulative match characteristic (ISO/IEC 19795-1), shape (most,): for k from 1 to `most`, the share
    of mated probes whose own person is among the first k, at any score. A probe or a person without an
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
    """The detection error tradeoff, as finely as the non-mated searches resolve it."""
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
    """The index in `curve` of the lowest threshold that a share of at most `fpir` exceeds."""
    return int(np.searchsorted(curve.fpir, fpir, side="right")) - 1


def _scores(
    vectors: Vectors, found: NDArray[np.bool_], gallery: NDArray[np.int64], probes: NDArray[np.int64]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yields cosines of shape (probes in the block, gallery), NO_SCORE if either face was not found."""
    enrolled, enrolled_found = vectors[gallery], found[gallery]
    for start in range(0, len(probes), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(probes)))
        scores = vectors[probes[block]] @ enrolled.T
        scores[:, ~enrolled_found] = NO_SCORE
        scores[~found[probes[block]]] = NO_SCORE
        yield block, scores
