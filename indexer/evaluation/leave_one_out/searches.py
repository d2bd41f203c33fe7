"""Leave-one-out searches: each probe is taken out of the gallery and searched for among the rest.

The gallery comes in parts, each with every face of its people, so that memory holds one part at a time. The
results are those of one search of the whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.mean_template import MIN_FACES
from indexer.types import Keys, PersonScore, Vectors

NO_SCORE = -2.0
"""Below every cosine: the face has no embedding, or there is no other face."""
_BLOCK = 512


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
    """The key of the nearest face of the person with the best score; -1 where nobody has a score."""

    @property
    def correct(self) -> NDArray[np.bool_]:
        return np.asarray(self.own > self.other)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Enrolled:
    """Faces by one model: of a gallery, of a part of it, or probes."""

    keys: Keys
    """Shape (n,). Ascending for the faces of a gallery or a part; in any order for probes."""
    people: NDArray[np.int64]
    """Shape (n,): the person of each face, as a number."""
    vectors: Vectors
    """Shape (n, dimension); zeros where there is no embedding."""
    present: NDArray[np.bool_]
    """Shape (n,): whether there is an embedding."""

    def rows(self, chosen: NDArray[np.int64]) -> "Enrolled":
        """The faces at these places."""
        return Enrolled(
            keys=self.keys[chosen],
            people=self.people[chosen],
            vectors=self.vectors[chosen],
            present=self.present[chosen],
        )


class LeaveOneOut:
    """Exact searches for some of a gallery's faces among all others, in blocks."""

    def __init__(self, probes: Enrolled, person_score: PersonScore = PersonScore.NEAREST) -> None:
        """`person_score`: the gallery's. The template of the probe's person is made without the probe."""
        self._probes = probes
        self._person_score = person_score
        count = len(probes.keys)
        self._own = np.full(count, NO_SCORE, np.float32)
        self._other = np.full(count, NO_SCORE, np.float32)
        self._best = np.full(count, NO_SCORE, np.float32)
        """Of any person: the score of `_nearest`."""
        self._nearest = np.full(count, -1, np.int64)
        self._mated = np.zeros(count, np.bool_)

    def add(self, faces: Enrolled) -> None:
        """Searches the next part for all probes. The faces of a probe's person are never another person's,
        even if the probe itself was deleted since it was read. Memory: copies of `people`, and 512 scores for
        each face."""
        if not len(faces.keys):
            return
        part = _Part(faces)
        fused = self._person_score is PersonScore.FUSED
        templates = _Templates(part) if fused else None
        for start in range(0, len(self._probes.keys), _BLOCK):
            self._search(slice(start, start + _BLOCK), part, templates)

    def result(self) -> Searches:
        """The results of all searches, after the last part was added."""
        own, other, nearest = self._own.copy(), self._other.copy(), self._nearest.copy()
        lost = ~self._probes.present
        own[lost], other[lost], nearest[lost] = NO_SCORE, NO_SCORE, -1
        return Searches(
            person=self._probes.people, mated=self._mated.copy(), own=own, other=other, nearest=nearest
        )

    def _search(self, block: slice, part: "_Part", templates: "_Templates | None") -> None:
        probes = self._probes.rows(np.arange(len(self._probes.keys))[block])
        faces = part.faces
        scores = probes.vectors @ faces.vectors.T
        scores[:, ~faces.present] = NO_SCORE
        places, here = part.places_of(probes.keys)
        mates, mated = part.people_of(probes.people)
        mates[here], mated = part.person_of[places[here]], mated | here
        rows = np.arange(len(scores))
        scores[rows[here], places[here]] = NO_SCORE
        scores = scores[:, part.order]
        best = np.maximum.reduceat(scores, part.starts, axis=1)
        if templates is not None:
            best = templates.fused(best, probes.vectors, rows[here], places[here])
        first = best.argmax(axis=1)
        found = best[rows, first]
        nearest = np.empty(len(rows), np.int64)
        for row in rows:
            begin, count = part.starts[first[row]], part.counts[first[row]]
            nearest[row] = faces.keys[part.order[begin + scores[row, begin : begin + count].argmax()]]
        better = found > self._best[block]
        self._nearest[block][better] = nearest[better]
        self._best[block] = np.maximum(self._best[block], found)
        rows, mates = rows[mated], mates[mated]
        self._own[block][mated] = np.maximum(self._own[block][mated], best[rows, mates])
        self._mated[block][mated] |= part.counts[mates] > here[mated]  # others than the probe itself
        best[rows, mates] = NO_SCORE
        self._other[block] = np.maximum(self._other[block], best.max(axis=1))


def search(
    vectors: Vectors,
    present: NDArray[np.bool_],
    people: NDArray[np.int64],
    probes: NDArray[np.int64],
    person_score: PersonScore = PersonScore.NEAREST,
) -> Searches:
    """Leave-one-out searches of a gallery in one part. The keys of the faces are their indices.

    `vectors` (n, dimension); `present` (n,): whether each face has an embedding; `people` (n,): the person of
    each face; `probes` (m,): the indices of the faces to search for.
    """
    faces = Enrolled(
        keys=np.arange(len(vectors), dtype=np.int64), people=people, vectors=vectors, present=present
    )
    searches = LeaveOneOut(faces.rows(probes), person_score)
    searches.add(faces)
    return searches.result()


class _Part:
    """Faces, person by person."""

    def __init__(self, faces: Enrolled) -> None:
        self.faces = faces
        self.order = np.argsort(faces.people, kind="stable")
        self._people, self.starts, person, self.counts = np.unique(
            faces.people[self.order], return_index=True, return_inverse=True, return_counts=True
        )
        self.person_of = np.empty(len(faces.people), np.int64)
        """Of each face, from 0, in the order of `starts`."""
        self.person_of[self.order] = person

    def places_of(self, keys: Keys) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The place of each of these faces in the part, and whether the face is in the part. The place of a
        face that is not is meaningless."""
        places = np.minimum(np.searchsorted(self.faces.keys, keys), len(self.faces.keys) - 1)
        return places, self.faces.keys[places] == keys

    def people_of(self, people: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Each of these people as `person_of` numbers them, and whether the person has faces in the part. The
        number of a person who has none is meaningless."""
        numbers = np.minimum(np.searchsorted(self._people, people), len(self._people) - 1)
        return numbers, self._people[numbers] == people


class _Templates:
    """The sums of the embeddings of each person, of which templates follow."""

    def __init__(self, part: _Part) -> None:
        faces = part.faces
        self._present, self._person_of = faces.present, part.person_of
        owners = part.person_of[faces.present]
        self._sums = np.zeros((len(part.starts), faces.vectors.shape[1]))
        np.add.at(self._sums, owners, faces.vectors[faces.present])
        self._faces = np.bincount(owners, minlength=len(part.starts))
        lengths = np.maximum(np.linalg.norm(self._sums, axis=1, keepdims=True), 1e-12)
        self._means = (self._sums / lengths).astype(np.float32)

    def fused(
        self,
        best: NDArray[np.float32],
        vectors: Vectors,
        rows: NDArray[np.int64],
        places: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        """The fused score of each person of the part for each probe: shape (probes, people).

        `best`: of the same shape, the score of each person's nearest face; `vectors`: of the probes. `rows`:
        the probes that are in the part; `places`: their places in it.
        """
        fused = (best + vectors @ self._means.T) / np.float32(2)
        mates, own_vectors = self._person_of[places], vectors[rows]
        without = self._sums[mates] - own_vectors
        lengths = np.maximum(np.linalg.norm(without, axis=1), 1e-12)
        own = np.einsum("nd,nd->n", without, own_vectors) / lengths
        fused[rows, mates] = (best[rows, mates] + own) / 2
        faces = np.tile(self._faces, (len(best), 1))
        faces[rows, mates] -= self._present[places]
        return np.where(faces >= MIN_FACES, fused, best)
