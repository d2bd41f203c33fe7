"""The interface of an index, and its implementation with FAISS."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.distinct import Places
from indexer.index.nearest import RowFilter, nearest_allowed, nearest_rows
from indexer.index.people import search
from indexer.index.people.candidates import Rows
from indexer.index.people.owner_rows import OwnerRows
from indexer.index.people.search import PeopleAnswer
from indexer.index.selections.selection import SelectedRows, Selection
from indexer.types import Keys, Owners, Tier, Vectors

CHUNK = 65_536
"""Vectors that are read from an index at once."""

Answer: TypeAlias = tuple[NDArray[np.float32], Keys]


class Searcher(Protocol):
    """An index of unit vectors under keys. Not safe for concurrent use: `live` adds the lock."""

    @property
    def tier(self) -> Tier: ...

    @property
    def dimension(self) -> int: ...

    @property
    def count(self) -> int:
        """Rows that a search can return: faces and person templates."""
        ...

    @property
    def templates(self) -> int:
        """How many of these are person templates."""
        ...

    @property
    def tombstones(self) -> int:
        """Deleted rows that still take memory."""
        ...

    @property
    def memory_bytes(self) -> int: ...

    def add(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        """Keys must ascend and be greater than those in the index. Raises ValueError."""
        ...

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Returns the removed keys and their stored vectors. Unknown keys are skipped."""
        ...

    def search(self, probes: Vectors, k: int) -> Answer:
        """The min(k, count) nearest rows of each probe, best first: scores (n, k) and keys (n, k).

        The score is the cosine similarity. Where an approximate tier finds fewer, the row ends with keys -1.
        """
        ...

    def search_identities(self, probes: Vectors, k: int, selection: Selection | None = None) -> PeopleAnswer:
        """The k people with the highest scores, best first: the score of the nearest face; of people whose
        template is in the index, its mean with the score of the template (`people.search`).

        `selection`: among these people only. Where there are fewer people, the row ends with keys -1.
        """
        ...

    def count_faces(self, selection: Selection) -> int:
        """How many faces the people of the selection have."""
        ...

    def contents(self) -> Iterator[tuple[Keys, Vectors, Owners]]:
        """All faces in chunks. Vectors are as the index stores them, which may be float16."""
        ...


class FaissSearcher:
    """A FAISS index that numbers its vectors from 0, with the keys and owners of the faces beside it.

    Most FAISS indexes cannot remove a vector, and the others move every vector to do so. A deleted face is
    marked instead (a tombstone) and left out of the answers until the index is rebuilt. Keys ascend, because
    PostgreSQL assigns them so; a bisection finds the place of a key, which takes 8 bytes a face where
    `IndexIDMap2` takes some 50.
    """

    def __init__(self, tier: Tier, index: Any, keys: Keys, owners: Owners) -> None:
        """`index`: a trained FAISS index; `keys` and `owners`: of the vectors in it. Raises ValueError."""
        self._tier = tier
        self._index = index
        self._keys = keys
        self._owners = owners
        self._size = len(keys)
        if not index.ntotal == len(keys) == len(owners):
            raise ValueError(f"{index.ntotal} vectors, {len(keys)} keys, {len(owners)} owners")
        self._deleted = np.zeros(self._size, np.bool_)
        self._tombstones = 0
        self._templates = int(np.count_nonzero(owners < 0))
        self._of_owner = OwnerRows(owners) if self._templates else None
        """None until there is a template: nothing else needs it."""
        self._selected = SelectedRows()

    @property
    def tier(self) -> Tier:
        return self._tier

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def index(self) -> Any:
        """The FAISS index itself."""
        return self._index

    @property
    def keys(self) -> Keys:
        """Of all vectors in their order, also of deleted faces."""
        return self._keys[: self._size]

    @property
    def owners(self) -> Owners:
        """In the order of `keys`."""
        return self._owners[: self._size]

    @property
    def count(self) -> int:
        return self._size - self._tombstones

    @property
    def templates(self) -> int:
        return self._templates

    @property
    def tombstones(self) -> int:
        return self._tombstones

    @property
    def memory_bytes(self) -> int:
        of_owner = 0 if self._of_owner is None else tiers.OWNER_ROW_BYTES
        return int(self._size * (tiers.bytes_per_face(self._tier, self._index.d) + of_owner))

    def add(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        if len(keys) == 0:
            return
        last = self._keys[self._size - 1] if self._size else np.iinfo(np.int64).min
        if keys[0] <= last or np.any(np.diff(keys) <= 0):
            raise ValueError("keys must ascend and be greater than those in the index")
        size = self._size + len(keys)
        if size > len(self._keys):
            room = max(size, len(self._keys) + len(self._keys) // 4 + 64)
            self._keys, self._owners, self._deleted = (
                np.concatenate([one[: self._size], np.zeros(room - self._size, one.dtype)])
                for one in (self._keys, self._owners, self._deleted)
            )
        self._index.add(tiers.rounded(self._tier, vectors))
        self._keys[self._size : size] = keys
        self._owners[self._size : size] = owners
        self._deleted[self._size : size] = False
        self._size = size
        self._templates += int(np.count_nonzero(owners < 0))
        if self._of_owner is not None:
            self._of_owner.grow(self.owners)
        elif self._templates:
            self._of_owner = OwnerRows(self.owners)

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        keys = np.unique(keys)
        places = np.searchsorted(self.keys, keys)
        known = places < self._size
        known[known] = (self._keys[places[known]] == keys[known]) & ~self._deleted[places[known]]
        places = places[known]
        vectors = np.empty((len(places), self._index.d), np.float32)
        stored = tiers.storage(self._index)
        for row, place in enumerate(places.tolist()):
            stored.reconstruct(place, vectors[row])
        self._deleted[places] = True
        self._tombstones += len(places)
        self._templates -= int(np.count_nonzero(self._owners[places] < 0))
        return keys[known], vectors

    def search(self, probes: Vectors, k: int) -> Answer:
        if self._tombstones:
            return self._best(probes, k, self._allowed(None))
        k = min(k, self.count)
        if k == 0 or len(probes) == 0:
            return np.empty((len(probes), k), np.float32), np.empty((len(probes), k), np.int64)
        scores, places = nearest_rows(self._index, self._tier, probes, k)
        return scores, self._keys_at(places)

    def search_identities(self, probes: Vectors, k: int, selection: Selection | None = None) -> PeopleAnswer:
        found = self._allowed(self.owners, selection)
        if self._of_owner is not None and self._templates:
            rows = Rows(
                owners=self.owners,
                deleted=found.excluded,
                of_owner=self._of_owner,
                vectors=tiers.storage(self._index).reconstruct_batch,
            )
            nearest, size = partial(nearest_rows, self._index, self._tier), self._size
            if found.selected is not None:
                nearest, size = partial(nearest, selected=~found.excluded), found.selected
            k = min(k, self.count, size)
            return search.search_identities(self._index, rows, self.keys, probes, k, nearest, size=size)
        scores, keys = self._best(probes, k, found)
        return PeopleAnswer(
            scores, keys, scores, np.full_like(scores, np.nan), np.zeros(keys.shape, np.int64)
        )

    def count_faces(self, selection: Selection) -> int:
        mask = self._selected.of(selection, self.owners) & ~self._deleted[: self._size]
        return int(np.count_nonzero(mask & (self.owners > 0) if self._templates else mask))

    def contents(self) -> Iterator[tuple[Keys, Vectors, Owners]]:
        stored = tiers.storage(self._index)
        for start in range(0, self._size, CHUNK):
            stop = min(start + CHUNK, self._size)
            alive = ~self._deleted[start:stop]
            vectors = stored.reconstruct_n(start, stop - start)
            yield self._keys[start:stop][alive], vectors[alive], self._owners[start:stop][alive]

    def _allowed(self, owners: Owners | None, selection: Selection | None = None) -> RowFilter:
        deleted = self._deleted[: self._size]
        if selection is None:
            return RowFilter(excluded=deleted, owners=owners)
        excluded = deleted | ~self._selected.of(selection, self.owners)
        selected = self._size - int(np.count_nonzero(excluded))
        if selected == self.count:  # everybody
            return RowFilter(excluded=deleted, owners=owners)
        return RowFilter(excluded=excluded, owners=owners, selected=selected)

    def _best(self, probes: Vectors, k: int, rows: RowFilter) -> Answer:
        k = min(k, self.count if rows.selected is None else rows.selected)
        scores, places = nearest_allowed(self._index, self._tier, probes, k, rows)
        return scores, self._keys_at(places)

    def _keys_at(self, places: Places) -> Keys:
        """The keys at places; -1, where there are no more faces, stays -1."""
        keys = self._keys[places]
        keys[places < 0] = -1
        return keys
