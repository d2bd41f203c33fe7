"""Searches an index against itself: which people look like other people."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index.searcher import Searcher
from indexer.types import Keys, Owners, Vectors

BATCH = 4_096
"""Faces that are searched at once."""
WIDTHS = (64, 1_024)
"""Rows that a search reads. The second is for faces whose own person fills the first."""
MOST = 5
"""People that are found for each face. Further duplicates are connected by other faces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePair:
    """The most similar faces of two people."""

    key: int
    """Of the face that was searched with."""
    other_key: int
    score: float
    """Of the other person, as in identification."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsFound:
    people: int
    faces: int
    pairs: dict[tuple[int, int], FacePair]
    """By the numbers of the two people (`Owners`), the lower first."""


def find(
    searcher: Searcher, threshold: float, progress: Callable[[int], object] = lambda _: None
) -> PairsFound:
    """Each pair of people whose score reaches `threshold`, from either side.

    Most faces resemble nobody else. So each batch of faces first reads the best rows of the index, and only
    those faces that have a row of another person above the threshold are searched for people: a score that
    is fused of a face's and a template's is at most the higher of the two. `progress` gets the number of
    faces of each batch.
    """
    rows = _Rows.of(searcher)
    pairs: dict[tuple[int, int], FacePair] = {}
    for keys, vectors, owners in searcher.contents():
        is_face = owners > 0
        keys, vectors, owners = keys[is_face], vectors[is_face], owners[is_face]
        for start in range(0, len(keys), BATCH):
            batch = slice(start, start + BATCH)
            _search(searcher, rows, threshold, keys[batch], vectors[batch], owners[batch], pairs)
            progress(len(keys[batch]))
    faces = rows.owners[rows.owners > 0]
    return PairsFound(people=len(np.unique(faces)), faces=len(faces), pairs=pairs)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Whose face each key is; keys ascend."""

    keys: Keys
    owners: Owners

    @classmethod
    def of(cls, searcher: Searcher) -> "_Rows":
        parts = [(keys, owners) for keys, _, owners in searcher.contents()]
        nothing = np.empty(0, np.int64)
        keys, owners = (
            (np.concatenate([nothing, *column]) for column in zip(*parts, strict=True))
            if parts
            else (nothing, nothing)
        )
        return cls(keys=keys, owners=owners)

    def people_of(self, keys: Keys) -> Owners:
        """Of faces and of templates."""
        return np.abs(self.owners[np.searchsorted(self.keys, keys)])


def _search(
    searcher: Searcher,
    rows: _Rows,
    threshold: float,
    keys: Keys,
    vectors: Vectors,
    people: Owners,
    pairs: dict[tuple[int, int], FacePair],
) -> None:
    """Adds to `pairs` those of these faces."""
    similar = np.flatnonzero(_resemble_others(searcher, rows, threshold, vectors, people))
    if not len(similar):
        return
    answer = searcher.search_identities(vectors[similar], MOST + 1)  # the person itself is among them
    probe, column = np.nonzero((answer.keys >= 0) & (answer.scores >= threshold))
    found = answer.keys[probe, column]
    for key, person, other_key, other, score in zip(
        keys[similar][probe].tolist(),
        people[similar][probe].tolist(),
        found.tolist(),
        rows.people_of(found).tolist(),
        answer.scores[probe, column].tolist(),
        strict=True,
    ):
        add(pairs, person, other, FacePair(key=key, other_key=other_key, score=score))


def add(pairs: dict[tuple[int, int], FacePair], person: int, other: int, found: FacePair) -> None:
    """Adds `found` to `pairs` if it is the best pair of faces so far of these two people, given by their
    numbers. Ignores a pair of faces of one person."""
    both = (min(person, other), max(person, other))
    if person != other and (both not in pairs or found.score > pairs[both].score):
        pairs[both] = found


def _resemble_others(
    searcher: Searcher, rows: _Rows, threshold: float, vectors: Vectors, people: Owners
) -> NDArray[np.bool_]:
    """Shape (n,): which faces (n, dimension) have a row of another person that reaches the threshold, and
    those of which it is not known, because the rows of their own person fill the widest search."""
    resembles = np.zeros(len(vectors), np.bool_)
    open_ = np.arange(len(vectors))
    for width in WIDTHS:
        scores, keys = searcher.search(vectors[open_], width)
        probe, column = np.nonzero((keys >= 0) & (scores >= threshold))
        is_other = rows.people_of(keys[probe, column]) != people[open_][probe]
        resembles[open_[probe[is_other]]] = True
        full = (np.bincount(probe, minlength=len(open_)) == scores.shape[1]) & (width < searcher.count)
        open_ = open_[full & ~resembles[open_]]
        if not len(open_):
            return resembles
    resembles[open_] = True
    return resembles
