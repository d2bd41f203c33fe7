"""An open set: which images are enrolled, and which are probes.

People with several images are enrolled with the first one; their other images are the mated probes. The
images of people with a single image are the non-mated probes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.evaluation.lfw import Person
from indexer.pipeline.embed_files import Embeddings


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSet:
    """Gallery and probes, as files."""

    gallery: tuple[Path, ...]
    """One image of each enrolled person."""
    mated: tuple[Path, ...]
    mates: tuple[int, ...]
    """For each of `mated`, the index of its person in `gallery`."""
    nonmated: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Roles:
    """Gallery and probes, as rows of an array of embeddings."""

    gallery: NDArray[np.int64]
    """Shape (enrolled,): one row for each enrolled person."""
    mated: NDArray[np.int64]
    """Shape (m,)."""
    mates: NDArray[np.int64]
    """Shape (m,): for each of `mated`, the index of its person in `gallery`."""
    nonmated: NDArray[np.int64]
    """Shape (n,)."""
    strangers: NDArray[np.int64]
    """Shape (n,): the person of each of `nonmated`, as any integers."""


def split(people: Sequence[Person]) -> OpenSet:
    """Raises InvalidRequest unless some people have several images and some have one."""
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


def split_labels(labels: NDArray[np.int64]) -> Roles:
    """As `split`, for rows of which `labels` (n,) gives the person: a person's first row is enrolled.

    Raises InvalidRequest as `split` does.
    """
    _, first, inverse, count = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    enrolled = count > 1
    if not enrolled.any() or enrolled.all():
        raise InvalidRequest("an open set needs people with several images and people with one")
    places = np.cumsum(enrolled) - 1
    rows = np.arange(len(labels))
    mated = np.flatnonzero(enrolled[inverse] & (first[inverse] != rows))
    nonmated = np.flatnonzero(~enrolled[inverse])
    return Roles(
        gallery=first[enrolled],
        mated=mated,
        mates=places[inverse[mated]],
        nonmated=nonmated,
        strangers=inverse[nonmated],
    )


def roles(embeddings: Embeddings, open_set: OpenSet) -> Roles:
    return Roles(
        gallery=embeddings.rows(open_set.gallery),
        mated=embeddings.rows(open_set.mated),
        mates=np.array(open_set.mates, np.int64),
        nonmated=embeddings.rows(open_set.nonmated),
        strangers=np.arange(len(open_set.nonmated)),
    )
