"""Searches among some people: who is selected, and which rows of an index are theirs."""

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from indexer.types import Owners

KEPT = 16
"""Selections whose rows an index remembers; a byte a row each."""


class Selection:
    """The numbers of the people whom a search is among. Compared by identity; immutable."""

    def __init__(self, people: Owners, *, excluded: bool = False) -> None:
        """`people`: numbers of identities, (n,). `excluded`: the selection is everybody else."""
        self._people = np.unique(people)
        self.excluded = excluded

    @property
    def people(self) -> Owners:
        """Ascending; those who are left out where `excluded`."""
        return self._people

    @property
    def memory_bytes(self) -> int:
        return int(self._people.nbytes)

    def replaced(self, selected: Owners, others: Owners) -> "Selection":
        """With the people `selected` and without `others`; itself where nothing differs."""
        added, removed = (others, selected) if self.excluded else (selected, others)
        added = np.unique(added[~self._listed(added)])
        removed = removed[self._listed(removed)]
        if len(added) == len(removed) == 0:
            return self
        changed = Selection(np.empty(0, np.int64), excluded=self.excluded)
        people = np.delete(self._people, np.searchsorted(self._people, removed))  # in time linear in n
        changed._people = np.insert(people, np.searchsorted(people, added), added)
        return changed

    def has(self, owners: Owners) -> NDArray[np.bool_]:
        """For each of the rows with these owners, faces and templates, whether its person is selected."""
        return self._listed(np.abs(owners)) ^ self.excluded

    def _listed(self, numbers: Owners) -> NDArray[np.bool_]:
        people = self._people
        if len(people) == 0 or len(numbers) == 0:
            return np.zeros(len(numbers), np.bool_)
        first, last = int(people[0]), int(people[-1])
        if last - first < 4 * len(numbers):  # a table is ten times as fast as a bisection for each row
            table = np.zeros(last - first + 2, np.bool_)
            table[people - first] = True  # the item after the last one stays False
            return table[np.where((numbers >= first) & (numbers <= last), numbers - first, last - first + 1)]
        places = np.minimum(np.searchsorted(people, numbers), len(people) - 1)
        listed: NDArray[np.bool_] = people[places] == numbers
        return listed


class SelectedRows:
    """Which rows of an index belong to the people of the selections that were used last. Thread-safe.

    Rows are only added to an index, so that a new row is looked up once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._masks: OrderedDict[Selection, NDArray[np.bool_]] = OrderedDict()

    def of(self, selection: Selection, owners: Owners) -> NDArray[np.bool_]:
        """(n,), for the owners (n,) of all rows, deleted ones included. Do not change it."""
        with self._lock:
            mask = self._masks.get(selection)
        if mask is None:
            mask = selection.has(owners)
        elif len(mask) < len(owners):
            mask = np.concatenate([mask, selection.has(owners[len(mask) :])])
        with self._lock:
            self._masks[selection] = mask
            self._masks.move_to_end(selection)
            while len(self._masks) > KEPT:
                self._masks.popitem(last=False)
        return mask
