"""Selects answers from the nearest faces: no deleted face, and of each identity only the nearest."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.types import Owners

Places: TypeAlias = NDArray[np.int64]
"""Positions of vectors in an index, from 0; -1 for none."""


def nearest_distinct(
    scores: NDArray[np.float32], places: Places, k: int, deleted: NDArray[np.bool_], owners: Owners | None
) -> tuple[NDArray[np.float32], Places]:
    """The k best of each row, best first: scores (n, k) and places (n, k); rows end with places -1.

    `scores` and `places`: (n, m), m >= k, in any order. `deleted` and `owners`: one element for each place
    of the index; without `owners` each place counts as an identity.
    """
    order = np.argsort(np.where(places < 0, np.inf, -scores), axis=1, kind="stable")
    scores, places = np.take_along_axis(scores, order, axis=1), np.take_along_axis(places, order, axis=1)
    alive = (places >= 0) & ~deleted[places]
    groups = places if owners is None else owners[places]
    keep = alive & _first_of_group(np.where(alive, groups, -1))
    order = np.argsort(~keep, axis=1, kind="stable")[:, :k]
    scores, places = (
        np.take_along_axis(np.where(keep, one, nothing), order, axis=1)
        for one, nothing in ((scores, np.float32(0)), (places, np.int64(-1)))
    )
    return scores, places


def others(places: Places, deleted: NDArray[np.bool_], owners: Owners | None) -> NDArray[np.bool_]:
    """Shape (count,): True for places that are not deleted, not in `places`, and not of an owner of these."""
    found = places[places >= 0]
    if owners is not None:
        return ~deleted & ~np.isin(owners, owners[found])
    allowed = ~deleted
    allowed[found] = False
    return allowed


def _first_of_group(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for each element that no earlier element of its row equals."""
    order = np.argsort(groups, axis=1, kind="stable")
    ordered = np.take_along_axis(groups, order, axis=1)
    first = np.ones(groups.shape, np.bool_)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    result = np.empty_like(first)
    np.put_along_axis(result, order, first, axis=1)
    return result
