"""Which of the faces near a probe answer a search: none that is deleted, and of each identity the nearest."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.types import Owners

Places: TypeAlias = NDArray[np.int64]
"""Numbers of vectors in an index, from 0; -1 for none."""


def nearest_distinct(
    scores: NDArray[np.float32], places: Places, k: int, dead: NDArray[np.bool_], owners: Owners | None
) -> tuple[NDArray[np.float32], Places]:
    """The k best of each row, best first: scores (n, k) and places (n, k); rows end with places -1.

    `scores` and `places`: (n, m), m >= k, in any order. `dead` and `owners`: of every place; without
    `owners` each place is one of its own.
    """
    order = np.argsort(np.where(places < 0, np.inf, -scores), axis=1, kind="stable")
    scores, places = np.take_along_axis(scores, order, axis=1), np.take_along_axis(places, order, axis=1)
    alive = (places >= 0) & ~dead[places]
    groups = places if owners is None else owners[places]
    keep = alive & _first_of_group(np.where(alive, groups, -1))
    order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
    scores, places = (
        np.take_along_axis(np.where(keep, one, nothing), order, axis=1)
        for one, nothing in ((scores, np.float32(0)), (places, np.int64(-1)))
    )
    return scores, places


def others(places: Places, dead: NDArray[np.bool_], owners: Owners | None) -> NDArray[np.bool_]:
    """Shape (count,): the places that are alive, and neither among `places` nor of their owners."""
    found = places[places >= 0]
    if owners is not None:
        return ~dead & ~np.isin(owners, owners[found])
    allowed = ~dead
    allowed[found] = False
    return allowed


def _first_of_group(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Of each row: whether no element before has the same number."""
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, axis=1)
    first = np.ones(groups.shape, np.bool_)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    result = np.empty_like(first)
    np.put_along_axis(result, order, first, axis=1)
    return result
