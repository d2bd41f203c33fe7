"""What an index must do, and the one that does it with FAISS."""

from collections.abc import Iterator
from typing import Any, Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.types import Keys, Tier, Vectors

CHUNK = 65_536
"""Vectors that are taken out of an index at once."""


class Searcher(Protocol):
    """An index of unit vectors under keys. Not safe for concurrent use: `live` sees to that."""

    @property
    def tier(self) -> Tier: ...

    @property
    def dimension(self) -> int: ...

    @property
    def count(self) -> int:
        """Faces that a search can return."""
        ...

    @property
    def tombstones(self) -> int:
        """Deleted faces that still take up room."""
        ...

    @property
    def memory_bytes(self) -> int: ...

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keys must ascend, and be above those that it has. Raises ValueError."""
        ...

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        """Unknown keys are passed over. What was removed, the vectors as they were stored."""
        ...

    def search(self, probes: Vectors, k: int) -> tuple[NDArray[np.float32], Keys]:
        """The min(k, count) nearest of each probe, best first: scores (n, k) and keys (n, k).

        The score is the cosine similarity. Where an approximate tier finds fewer, the row ends with keys -1.
        """
        ...

    def contents(self) -> Iterator[tuple[Keys, Vectors]]:
        """All that is in it, in chunks; the vectors as they are stored, perhaps rounded to float16."""
        ...


class FaissSearcher:
    """Any FAISS index that numbers its vectors from 0, with the keys of the faces beside it.

    FAISS cannot remove from most of its indexes, and where it can it moves every vector: what is
    deleted is marked, and left out of the answers, until the index is built anew. Keys ascend, as
    PostgreSQL hands them out, so that a key's place is found without a hash table (8 bytes a face
    where `IndexIDMap2` takes some 50).
    """

    def __init__(self, tier: Tier, index: Any, keys: Keys | None = None) -> None:
        """`index`: a trained FAISS index; `keys` of the vectors that are in it already."""
        self._tier = tier
        self._index = index
        self._keys = np.empty(0, np.int64) if keys is None else keys
        self._size = len(self._keys)
        if index.ntotal != self._size:
            raise ValueError(f"{index.ntotal} vectors, {self._size} keys")
        self._dead = np.zeros(self._size, np.bool_)
        self._tombstones = 0

    @property
    def tier(self) -> Tier:
        return self._tier

    @property
    def dimension(self) -> int:
        return int(self._index.d)

    @property
    def index(self) -> Any:
        """The FAISS index itself, to be written to a file."""
        return self._index

    @property
    def keys(self) -> Keys:
        """Of all its vectors in their order, those of deleted faces too."""
        return self._keys[: self._size]

    @property
    def count(self) -> int:
        return self._size - self._tombstones

    @property
    def tombstones(self) -> int:
        return self._tombstones

    @property
    def memory_bytes(self) -> int:
        return int(self._size * tiers.bytes_per_face(self._tier, self._index.d))

    def add(self, keys: Keys, vectors: Vectors) -> None:
        if len(keys) == 0:
            return
        last = self._keys[self._size - 1] if self._size else np.iinfo(np.int64).min
        if keys[0] <= last or np.any(np.diff(keys) <= 0):
            raise ValueError("keys must ascend, and be above those that the index has")
        size = self._size + len(keys)
        if size > len(self._keys):
            room = max(size, len(self._keys) + len(self._keys) // 4 + 64)
            self._keys = np.concatenate([self.keys, np.empty(room - self._size, np.int64)])
            self._dead = np.concatenate([self._dead[: self._size], np.zeros(room - self._size, np.bool_)])
        self._index.add(tiers.rounded(self._tier, vectors))
        self._keys[self._size : size] = keys
        self._dead[self._size : size] = False
        self._size = size

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        keys = np.unique(keys)
        places = np.searchsorted(self.keys, keys)
        known = places < self._size
        known[known] = (self._keys[places[known]] == keys[known]) & ~self._dead[places[known]]
        places = places[known]
        vectors = np.empty((len(places), self._index.d), np.float32)
        stored = tiers.storage(self._index)
        for row, place in enumerate(places.tolist()):
            stored.reconstruct(place, vectors[row])
        self._dead[places] = True
        self._tombstones += len(places)
        return keys[known], vectors

    def search(self, probes: Vectors, k: int) -> tuple[NDArray[np.float32], Keys]:
        k = min(k, self.count)
        if k == 0 or len(probes) == 0:
            return np.empty((len(probes), 0), np.float32), np.empty((len(probes), 0), np.int64)
        if self._tombstones == 0:
            scores, places = self._nearest(probes, k)
            return scores, self._named(places)
        asked, enough = k, k + self._tombstones
        while True:
            asked = min(2 * asked, enough)
            scores, places = self._nearest(probes, asked)
            alive = (places >= 0) & ~self._dead[places]
            if asked == enough or alive.sum(axis=1).min() >= k:
                break
        order = np.argsort(~alive, axis=1, kind="stable")[:, :k]
        keys = self._named(np.where(alive, places, -1))
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(keys, order, axis=1)

    def contents(self) -> Iterator[tuple[Keys, Vectors]]:
        stored = tiers.storage(self._index)
        for start in range(0, self._size, CHUNK):
            stop = min(start + CHUNK, self._size)
            alive = ~self._dead[start:stop]
            yield self._keys[start:stop][alive], stored.reconstruct_n(start, stop - start)[alive]

    def _nearest(self, probes: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        # A single query is not divided; told that it might be, FAISS takes three times as long.
        faiss.omp_set_num_threads(min(len(probes), tiers.CORES))
        scores, places = self._index.search(probes, k, params=tiers.search_parameters(self._tier, k))
        return scores, places

    def _named(self, places: NDArray[np.int64]) -> Keys:
        """The keys of places; -1, where an approximate tier found fewer, stays -1."""
        keys = self._keys[places]
        if self._tier in tiers.INEXACT or self._tombstones:
            keys[places < 0] = -1
        return keys


def empty(tier: Tier, dimension: int) -> FaissSearcher:
    """Of a tier that needs no training. Raises ValueError."""
    return FaissSearcher(tier, tiers.untrained(tier, dimension))
