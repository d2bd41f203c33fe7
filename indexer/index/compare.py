"""Compares the contents of an index with PostgreSQL: the same faces, and the same vector of each."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.index.searcher import Searcher
from indexer.types import Keys, Owners, Tier, Vectors


@dataclass(slots=True, kw_only=True)
class Difference:
    """Keys of the faces in which an index differs from PostgreSQL."""

    missing: list[int] = field(default_factory=list)
    """Enrolled, but not in the index: no search would find them."""
    surplus: list[int] = field(default_factory=list)
    """In the index, but not enrolled: a search might return them after their deletion."""
    changed: list[int] = field(default_factory=list)
    """In both, with another vector or owner: a search might take them for somebody else."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.changed)


class Comparison:
    """Takes the enrolled faces in batches, then reports how `searcher` differs from them.

    Vectors are compared bit by bit, as the tier stores them. Memory: a copy of the vectors in the index.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._exact = searcher.tier is Tier.EXACT
        self._keys, self._vectors, self._owners = _all_of(searcher, np.float32 if self._exact else np.float16)
        self._met = np.zeros(len(self._keys), np.bool_)
        self._difference = Difference()

    def take(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        """Keys (n,), vectors (n, dimension) and owners (n,) as PostgreSQL has them."""
        places = np.searchsorted(self._keys, keys)
        known = places < len(self._keys)
        known[known] = self._keys[places[known]] == keys[known]
        self._difference.missing += keys[~known].tolist()
        expected = vectors[known].astype(self._vectors.dtype)
        same = (self._vectors[places[known]] == expected).all(axis=1)
        same &= self._owners[places[known]] == owners[known]
        self._difference.changed += keys[known][~same].tolist()
        self._met[places[known]] = True

    def difference(self) -> Difference:
        """Call it after the last batch."""
        self._difference.surplus = self._keys[~self._met].tolist()
        return self._difference


def _all_of(searcher: Searcher, dtype: type) -> tuple[Keys, NDArray[np.floating], Owners]:
    chunks: list[tuple[Keys, NDArray[np.floating], Owners]] = [
        (keys, vectors.astype(dtype), owners) for keys, vectors, owners in searcher.contents()
    ]
    if not chunks:
        return np.empty(0, np.int64), np.empty((0, 0), dtype), np.empty(0, np.int64)
    keys, vectors, owners = zip(*chunks, strict=True)
    return np.concatenate(keys), np.concatenate(vectors), np.concatenate(owners)
