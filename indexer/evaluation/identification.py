"""One to many in an open set: who of the enrolled is this, if anyone? Not for pairs.

People with several images are enrolled with their first one and searched for with the others (mated
probes); everyone else is searched for in vain (non-mated probes). FPIR and FNIR are those of ISO/IEC
19795-1 and of NIST's FRVT 1:N (Grother et al. 2019, NISTIR 8271): the share of non-mated searches that
raise a false alarm, and the share of mated ones that do not return the right person first and above the
threshold. Both belong to the gallery's size: in a larger one the same model does worse.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.embeddings import NO_SCORE, Embeddings
from indexer.evaluation.lfw import Person

FPIRS = (0.001, 0.01, 0.1)

_BLOCK = 1024
"""Probes that are compared with the gallery at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSet:
    """Who is enrolled and who is searched for."""

    gallery: tuple[Path, ...]
    """One image for each person enrolled."""
    mated: tuple[Path, ...]
    mates: tuple[int, ...]
    """For each of `mated`, its person's place in `gallery`."""
    nonmated: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Searches:
    """What the first place of each search was."""

    correct: NDArray[np.bool_]
    """Shape (mated,): whether it was the right person. A tie with another person is an error."""
    mated: NDArray[np.float32]
    """Shape (mated,): its score; NO_SCORE where the probe's face was not found."""
    nonmated: NDArray[np.float32]
    """Shape (nonmated,): likewise."""


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
    undetected: int
    """Images without an embedding: never found if enrolled, a miss if mated, silent if non-mated."""
    seconds: float
    model: str
    """The fingerprint."""


def split(people: Sequence[Person]) -> OpenSet:
    """Raises InvalidRequest where nobody has two images, or nobody one."""
    enrolled = [person for person in people if len(person.images) > 1]
    strangers = [person for person in people if len(person.images) == 1]
    if not enrolled or not strangers:
        raise InvalidRequest("an open set needs people with several images and people with one")
    return OpenSet(
        gallery=tuple(person.images[0] for person in enrolled),
        mated=tuple(image for person in enrolled for image in person.images[1:]),
        mates=tuple(place for place, person in enumerate(enrolled) for _ in person.images[1:]),
        nonmated=tuple(person.images[0] for person in strangers),
    )


def search(embeddings: Embeddings, open_set: OpenSet) -> Searches:
    """Exact, in blocks: the memory does not grow with the number of probes."""
    mates = np.array(open_set.mates, np.int64)
    mated = np.full(len(open_set.mated), NO_SCORE, np.float32)
    correct = np.zeros(len(open_set.mated), np.bool_)
    for block, scores in _scores(embeddings, open_set.gallery, open_set.mated):
        mated[block] = scores.max(axis=1)
        places = np.arange(len(scores)), mates[block]
        own = scores[places]
        scores[places] = NO_SCORE
        correct[block] = own > scores.max(axis=1)
    nonmated = np.full(len(open_set.nonmated), NO_SCORE, np.float32)
    for block, scores in _scores(embeddings, open_set.gallery, open_set.nonmated):
        nonmated[block] = scores.max(axis=1)
    return Searches(correct=correct, mated=mated, nonmated=nonmated)


def measure(
    searches: Searches, *, gallery: int, undetected: int, seconds: float, model: str
) -> IdentificationResult:
    curve = det(searches)
    points = {str(fpir): point_at(curve, fpir) for fpir in FPIRS}
    return IdentificationResult(
        gallery=gallery,
        mated=len(searches.mated),
        nonmated=len(searches.nonmated),
        rank1=float(searches.correct.mean()),
        fnir_at_fpir={fpir: float(curve.fnir[point]) for fpir, point in points.items()},
        threshold_at_fpir={fpir: float(curve.thresholds[point]) for fpir, point in points.items()},
        undetected=undetected,
        seconds=seconds,
        model=model,
    )


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
    embeddings: Embeddings, gallery: Sequence[Path], probes: Sequence[Path]
) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Cosines of shape (probes in the block, gallery), NO_SCORE where either face was not found."""
    enrolled, enrolled_found = embeddings.of(gallery)
    for start in range(0, len(probes), _BLOCK):
        block = slice(start, min(start + _BLOCK, len(probes)))
        vectors, found = embeddings.of(probes[block])
        scores = vectors @ enrolled.T
        scores[:, ~enrolled_found] = NO_SCORE
        scores[~found] = NO_SCORE
        yield block, scores
