"""Which rows of an index belong to an owner, found by bisection. 8 bytes a row."""

import numpy as np
from numpy.typing import NDArray

from indexer.types import Owners

Slices = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Starts and ends, shape (m,) each, within the rows sorted by owner."""


class OwnerRows:
    def __init__(self, owners: Owners) -> None:
        """`owners`: of all rows, (n,)."""
        self._owners = owners
        self._sorted = np.argsort(owners, kind="stable")

    def grow(self, owners: Owners) -> None:
        """`owners`: of all rows, those before and the new ones."""
        before = len(self._sorted)
        new = before + np.argsort(owners[before:], kind="stable")
        at = np.searchsorted(self._owners, owners[new], side="right", sorter=self._sorted)
        self._sorted = np.insert(self._sorted, at, new)
        self._owners = owners

    def of(self, owners: Owners) -> Slices:
        """For each of `owners`, shape (m,), the slice of its rows. Rows of deleted faces are among them."""
        starts = np.searchsorted(self._owners, owners, side="left", sorter=self._sorted)
        ends = np.searchsorted(self._owners, owners, side="right", sorter=self._sorted)
        return starts, ends

    def last(self, slices: Slices) -> NDArray[np.int64]:
        """The place of each slice's last row, shape (m,); -1 for an empty slice."""
        starts, ends = slices
        if len(self._sorted) == 0:
            return np.full(len(starts), -1)
        return np.where(ends > starts, self._sorted[np.maximum(ends - 1, 0)], -1)

    def places(self, slices: Slices) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """All rows of the slices: their places (r,), and the number of the slice of each (r,), ascending."""
        starts, ends = slices
        counts = ends - starts
        slice_of = np.repeat(np.arange(len(starts)), counts)
        within = np.arange(len(slice_of)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._sorted[starts[slice_of] + within], slice_of
