"""People whom a search has met, and what is known of their scores."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.index.distinct import Places
from indexer.index.people.owner_rows import OwnerRows
from indexer.types import Owners, Vectors

Scores = NDArray[np.float32]
_ROWS_AT_ONCE = 65_536
"""Stored vectors that are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of an index."""

    owners: Owners
    deleted: NDArray[np.bool_]
    """True for rows that no answer may have."""
    of_owner: OwnerRows
    vectors: Callable[[Places], Vectors]
    """The stored vectors (m, dimension) of places (m,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidates:
    """People whom searches have met: arrays with an item for each probe and person, sorted by probe."""

    probe: NDArray[np.int64]
    person: Owners
    face_score: Scores
    """-inf where it is not known."""
    face_place: Places
    template_score: Scores
    """NaN where there is no template, or where it is not known."""
    template_place: Places
    """-1 where there is no template."""

    @classmethod
    def of_rows(cls, rows: Rows, scores: Scores, places: Places, first_probe: int = 0) -> Self:
        """`scores` and `places`: (n, width), those of each probe's best rows; -1 for none."""
        probe, column = np.nonzero((places >= 0) & ~rows.deleted[places])
        place, score = places[probe, column], scores[probe, column]
        owner = rows.owners[place]
        order = np.lexsort((-score, owner < 0, np.abs(owner), probe))
        probe, place, score, owner = probe[order], place[order], score[order], owner[order]
        person, is_template = np.abs(owner), owner < 0
        is_first = np.ones(len(probe), np.bool_)
        is_first[1:] = (probe[1:] != probe[:-1]) | (person[1:] != person[:-1])
        first = np.flatnonzero(is_first)  # the nearest face, or the template where no face was met
        has_face = ~is_template[first]
        group = np.cumsum(is_first) - 1
        template_score = np.full(len(first), np.nan, np.float32)
        template_score[group[is_template]] = score[is_template]
        template_place = np.full(len(first), -1)
        template_place[group[is_template]] = place[is_template]
        unmet = np.flatnonzero(template_place < 0)
        last = rows.of_owner.last(rows.of_owner.of(-person[first][unmet]))  # older ones are deleted
        template_place[unmet] = np.where((last >= 0) & ~rows.deleted[last], last, -1)
        return cls(
            probe=probe[first] + first_probe,
            person=person[first],
            face_score=np.where(has_face, score[first], np.float32(-np.inf)),
            face_place=np.where(has_face, place[first], -1),
            template_score=template_score,
            template_place=template_place,
        )

    @classmethod
    def none(cls) -> Self:
        nothing, no_score = np.empty(0, np.int64), np.empty(0, np.float32)
        return cls(
            probe=nothing,
            person=nothing,
            face_score=no_score,
            face_place=nothing,
            template_score=no_score,
            template_place=nothing,
        )

    def __len__(self) -> int:
        return len(self.probe)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "Candidates":
        return Candidates(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    @classmethod
    def joined(cls, one: "Candidates", other: "Candidates") -> "Candidates":
        return cls(
            **{
                field.name: np.concatenate([getattr(one, field.name), getattr(other, field.name)])
                for field in fields(cls)
            }
        )

    def by_probe(self) -> "Candidates":
        """Sorted by probe; those of a probe stay in their order."""
        return self.take(np.argsort(self.probe, kind="stable"))

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the score is known."""
        return (self.face_place >= 0) & ((self.template_place < 0) | ~np.isnan(self.template_score))

    def highest(self, limits: Scores) -> Scores:
        """The score, or the highest that it can be where a part is not known: the part was not among the
        rows that were read, so that it is at most the last score of these. `limits`: that score, by probe."""
        limit = limits[self.probe]
        face = np.where(self.face_place < 0, limit, self.face_score)
        template = np.where(np.isnan(self.template_score), limit, self.template_score)
        return np.where(self.template_place < 0, face, (face + template) / np.float32(2))

    def best(self, k: int, limits: Scores) -> "Candidates":
        """The k best of each probe, best first; all scores must be known."""
        order = np.lexsort((-self.highest(limits), self.probe))
        return self.take(order[place_in_group(self.probe[order]) < k])

    def completed(self, rows: Rows, probes: Vectors) -> "Candidates":
        """With the missing parts, computed from the stored vectors. Without people who have no face."""
        template_score = self.template_score.copy()
        lacking = np.flatnonzero((self.template_place >= 0) & np.isnan(template_score))
        template_score[lacking] = _scores(rows, self.template_place[lacking], probes, self.probe[lacking])
        face_score, face_place = self.face_score.copy(), self.face_place.copy()
        lacking = np.flatnonzero(face_place < 0)
        places, place_of = rows.of_owner.places(rows.of_owner.of(self.person[lacking]))
        alive = ~rows.deleted[places]
        places, of_candidate = places[alive], lacking[place_of[alive]]
        scores = _scores(rows, places, probes, self.probe[of_candidate])
        order = np.lexsort((-scores, of_candidate))
        order = order[place_in_group(of_candidate[order]) == 0]
        face_score[of_candidate[order]], face_place[of_candidate[order]] = scores[order], places[order]
        whole = Candidates(
            probe=self.probe,
            person=self.person,
            face_score=face_score,
            face_place=face_place,
            template_score=template_score,
            template_place=self.template_place,
        )
        return whole if (face_place >= 0).all() else whole.take(face_place >= 0)


def kth(candidates: Candidates, k: int, limits: Scores) -> Scores:
    """The k-th best score of each probe, shape (n,); -inf where there are fewer. All must be known."""
    scores = candidates.highest(limits)
    order = np.lexsort((-scores, candidates.probe))
    kth = order[place_in_group(candidates.probe[order]) == k - 1]
    least = np.full(len(limits), -np.inf, np.float32)
    least[candidates.probe[kth]] = scores[kth]
    return least


def place_in_group(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each item of `groups`, which are sorted, its place among its equals, from 0."""
    first = np.ones(len(groups), np.bool_)
    first[1:] = groups[1:] != groups[:-1]
    start = np.flatnonzero(first)
    return np.arange(len(groups)) - np.repeat(start, np.diff(np.append(start, len(groups))))


def _scores(rows: Rows, places: Places, probes: Vectors, of_probe: NDArray[np.int64]) -> Scores:
    """Of each place (m,) with the probe of the number in `of_probe` (m,)."""
    scores = np.empty(len(places), np.float32)
    for start in range(0, len(places), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        scores[part] = np.einsum("ij,ij->i", rows.vectors(places[part]), probes[of_probe[part]])
    return scores
