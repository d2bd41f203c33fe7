"""Which anonymous identities are of one person: the groups that a clustering finds, before anything is
written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexer.clustering.cluster import NEW, cluster
from indexer.records.clusterings.faces import ReadFace
from indexer.types import Vectors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """Faces of one person, and the identities that they belong to now."""

    into: UUID
    """The identity that remains: the one with the most faces; of as many, the oldest."""
    joined: Sequence[UUID]
    """The others, oldest first."""
    rows: NDArray[np.int64]
    """Of the faces, ascending."""


def find_groups(
    faces: Sequence[ReadFace],
    vectors: Vectors,
    threshold: float,
    *,
    join_groups: bool,
    progress: Callable[[int], object],
) -> list[Group]:
    """One for each person: of two faces or more, or of one. Identities with several faces are existing
    groups: they are not split, and two of them become one only with `join_groups`.

    `faces`: n, `vectors`: (n, dimension). `progress` as of `cluster`. Raises InvalidRequest.
    """
    owners = np.array([face.identity_number for face in faces], np.int64)
    _, first, identity_of, sizes = np.unique(
        owners, return_index=True, return_inverse=True, return_counts=True
    )
    before = np.where(sizes[identity_of] > 1, identity_of, NEW)
    numbers = cluster(vectors, threshold, groups=before, join=join_groups, progress=progress)
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    groups = []
    for rows in np.split(order, starts[1:]) if len(order) else []:
        identities = np.unique(identity_of[rows])  # ascending by number: the oldest first
        largest = int(identities[np.argmax(sizes[identities])])
        groups.append(
            Group(
                into=faces[first[largest]].identity_id,
                joined=[faces[first[one]].identity_id for one in identities if one != largest],
                rows=np.sort(rows),
            )
        )
    return groups


def means(groups: Sequence[Group], vectors: Vectors) -> Vectors:
    """The mean vector of each group, shape (groups, dimension): inner products of two are mean cosines."""
    found = np.empty((len(groups), vectors.shape[1]), np.float32)
    for place, group in enumerate(groups):
        found[place] = vectors[group.rows].mean(axis=0)
    return found
