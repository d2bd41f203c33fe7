"""Groups of one person each, from the embeddings of faces that nobody has named.

Two groups become one while the mean cosine between their faces reaches the threshold (average linkage).
A chain of look-alikes does not become one group that way, as it does in connected components: each of its
links would have to hold on average between all faces on one side and all on the other.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from indexer.clustering.linkage import Groups, Rows
from indexer.errors import InvalidRequest
from indexer.index.neighbours import links
from indexer.types import Vectors

NEW = -1
"""In `groups`: a face that is in no group yet."""
NEIGHBOURS = 60
"""Neighbours of each face that are searched."""
_LENGTH_TOLERANCE = 0.01


def cluster(
    vectors: Vectors,
    threshold: float,
    *,
    groups: NDArray[np.int64] | None = None,
    join: bool = False,
    neighbours: int = NEIGHBOURS,
    progress: Callable[[int], object] | None = None,
) -> NDArray[np.int64]:
    """The number of the group of each of `vectors` (n, dimension), unit vectors: shape (n,).

    `threshold`: the mean cosine, above 0 and up to 1, from which on two groups are of one person. The
    number of a group is its lowest row. A face that resembles no other is a group of its own.

    `groups` (n,): existing groups, by any numbers from 0, and `NEW` for faces that are new. Existing
    groups keep their numbers and are never split; two of them become one, by the lower number, only with
    `join`. New faces join them or open groups, whose number is their lowest row, plus one more than the
    highest number of an existing group. Only the new faces are searched.

    `progress` gets the number of faces searched, of all or of the new ones; an error that it raises ends
    the work. Memory: twice the vectors, three times from 100,000 faces on, and up to 60 links of each face.

    Raises InvalidRequest for a threshold or number of neighbours out of range, and for vectors that are not
    of length 1; ValueError for shapes that do not match.
    """
    _check(vectors, threshold, groups, neighbours)
    if not len(vectors):
        return np.empty(0, np.int64)
    item_of, numbers, before = _items(len(vectors), groups)
    sums, sizes = _sums(vectors, item_of, len(numbers))
    kept = np.arange(len(numbers)) < (0 if join else before)
    state = Groups(sums, sizes, kept)
    searched = np.flatnonzero(~kept)
    a = b = np.empty(0, np.int64)
    while len(searched):
        candidates = np.union1d(np.unique(state.roots(np.flatnonzero(kept))), searched)
        found = links(
            state.means(candidates),
            np.searchsorted(candidates, searched),
            neighbours,
            threshold,
            progress or (lambda _: None),
        )
        progress = None  # further searches are of few groups
        a, b = state.link(
            np.concatenate([a, candidates[found.probes]]), np.concatenate([b, candidates[found.others]])
        )
        if not state.merge(a, b, threshold):
            break
        # Where all neighbours reach the threshold there may be more links: between the faces of a person with
        # a thousand photographs, for instance. They are searched by the means of the groups.
        full = np.unique(state.roots(candidates[found.full]))
        searched = full[~state.kept[full]]
    return numbers[state.roots(np.arange(len(numbers)))][item_of]


def _check(vectors: Vectors, threshold: float, groups: NDArray[np.int64] | None, neighbours: int) -> None:
    if vectors.ndim != 2 or (groups is not None and groups.shape != (len(vectors),)):
        raise ValueError("vectors must have shape (n, dimension) and groups shape (n,)")
    if not 0 < threshold <= 1:
        raise InvalidRequest("threshold must be above 0 and at most 1", field="threshold")
    if neighbours < 1:
        raise InvalidRequest("neighbours must be at least 1", field="neighbours")
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors))
    if not (np.abs(lengths - 1) < _LENGTH_TOLERANCE).all():  # NaN is not near 1 either
        raise InvalidRequest("every vector must be of length 1", field="vectors")


def _items(rows: int, groups: NDArray[np.int64] | None) -> tuple[Rows, Rows, int]:
    """The items to merge: the existing groups in the order of their numbers, then each new face.

    Returns the item of each row, the number of each item, and how many items are existing groups.
    """
    if groups is None:
        return np.arange(rows), np.arange(rows), 0
    new = groups < 0
    numbers, item_of_old = np.unique(groups[~new], return_inverse=True)
    item_of = np.empty(rows, np.int64)
    item_of[~new] = item_of_old
    item_of[new] = len(numbers) + np.arange(int(new.sum()))
    first_free = int(numbers[-1]) + 1 if len(numbers) else 0
    return item_of, np.concatenate([numbers, first_free + np.flatnonzero(new)]), len(numbers)


def _sums(vectors: Vectors, item_of: Rows, items: int) -> tuple[Vectors, Rows]:
    """The sum of the vectors of each item, shape (items, dimension), and their number, shape (items,)."""
    sizes = np.bincount(item_of, minlength=items)
    if items == len(vectors):
        sums = np.empty_like(vectors, np.float32)
        sums[item_of] = vectors
        return sums, sizes
    order = np.argsort(item_of, kind="stable")
    starts = np.cumsum(sizes) - sizes
    return np.add.reduceat(vectors[order].astype(np.float32), starts, axis=0), sizes
