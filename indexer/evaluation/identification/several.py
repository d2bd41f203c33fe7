"""Identification with several photographs a person: the same searches with the nearest and the fused score.

People with at least `min_images` images are enrolled with the first `enrol`, and their other images are the
mated probes. People with fewer images, but more than one, are enrolled too and not searched for. The images
of people with one image are the non-mated probes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.identification.rates import Searches
from indexer.evaluation.lfw import Person
from indexer.mean_template import MIN_FACES, mean_templates
from indexer.pipeline.embed_files import NO_SCORE, Embeddings
from indexer.types import PersonScore

_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralSet:
    gallery: tuple[tuple[Path, ...], ...]
    """The enrolled images of each person."""
    mated: tuple[Path, ...]
    mates: tuple[int, ...]
    """For each of `mated`, the index of its person in `gallery`."""
    nonmated: tuple[Path, ...]

    @property
    def files(self) -> list[Path]:
        return sorted({*(image for own in self.gallery for image in own), *self.mated, *self.nonmated})


def split_several(people: Sequence[Person], *, enrol: int, min_images: int) -> SeveralSet:
    """Raises InvalidRequest unless there are people of each kind, and `min_images` leaves a probe."""
    if min_images <= enrol:
        raise InvalidRequest(
            f"with {enrol} images enrolled, a person needs at least {enrol + 1} images", limit=enrol + 1
        )
    enrolled = [person for person in people if len(person.images) > 1]
    searched = [place for place, person in enumerate(enrolled) if len(person.images) >= min_images]
    strangers = tuple(person.images[0] for person in people if len(person.images) == 1)
    if not searched or not strangers:
        raise InvalidRequest(f"it needs people with {min_images} images or more, and people with one")
    return SeveralSet(
        gallery=tuple(person.images[:enrol] for person in enrolled),
        mated=tuple(image for place in searched for image in enrolled[place].images[enrol:]),
        mates=tuple(place for place in searched for _ in enrolled[place].images[enrol:]),
        nonmated=strangers,
    )


def search_several(embeddings: Embeddings, split: SeveralSet) -> dict[PersonScore, Searches]:
    """Exact search in blocks, once for both scores. Images without an embedding are as if not enrolled."""
    gallery = _Gallery(embeddings, split)
    mates = np.array(split.mates, np.int64)
    mated = gallery.scores(*embeddings.of(split.mated))
    nonmated = gallery.scores(*embeddings.of(split.nonmated))
    return {score: _searches(mated[score], mates, nonmated[score].max(axis=1)) for score in PersonScore}


def _searches(
    scores: NDArray[np.float32], mates: NDArray[np.int64], nonmated: NDArray[np.float32]
) -> Searches:
    """`scores`: (mated probes, people)."""
    places = np.arange(len(scores)), mates
    own = scores[places]
    others = scores.copy()
    others[places] = NO_SCORE
    return Searches(
        own=own,
        other=others.max(axis=1),
        nonmated=nonmated,
        ranks=np.minimum(1 + (others >= own[:, np.newaxis]).sum(axis=1), scores.shape[1]),
        mates=mates,
        strangers=np.arange(len(nonmated)),
    )


class _Gallery:
    def __init__(self, embeddings: Embeddings, split: SeveralSet) -> None:
        vectors, found = embeddings.of([image for own in split.gallery for image in own])
        person = np.repeat(np.arange(len(split.gallery)), [len(own) for own in split.gallery])
        self._people = len(split.gallery)
        self._vectors, person = vectors[found], person[found]
        self._present, self._starts, counts = np.unique(person, return_index=True, return_counts=True)
        templates, have = mean_templates(self._vectors, self._starts)
        self._templates, self._have = templates, have & (counts >= MIN_FACES)

    def scores(
        self, probes: NDArray[np.float32], found: NDArray[np.bool_]
    ) -> dict[PersonScore, NDArray[np.float32]]:
        """Of each probe with each person: (probes, people)."""
        scores = {score: np.full((len(probes), self._people), NO_SCORE, np.float32) for score in PersonScore}
        for start in range(0, len(probes), _BLOCK):
            rows = start + np.flatnonzero(found[start : start + _BLOCK])
            nearest = np.maximum.reduceat(probes[rows] @ self._vectors.T, self._starts, axis=1)
            fused = (nearest + probes[rows] @ self._templates.T) / np.float32(2)
            at = np.ix_(rows, self._present)
            scores[PersonScore.NEAREST][at] = nearest
            scores[PersonScore.FUSED][at] = np.where(self._have, fused, nearest)
        return scores
