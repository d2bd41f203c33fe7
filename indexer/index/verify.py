"""Does an index hold what it should: the same faces, and of each the same vector?"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.index.searcher import Searcher
from indexer.types import Keys, Tier, Vectors


@dataclass(slots=True, kw_only=True)
class Difference:
    """Keys of the faces in which an index differs from the truth."""

    missing: list[int] = field(default_factory=list)
    """Enrolled, and not in the index: they would not be found."""
    surplus: list[int] = field(default_factory=list)
    """In the index, and not enrolled: they might be returned after their deletion."""
    changed: list[int] = field(default_factory=list)
    """In both, with another vector: they would be taken for somebody else."""

    def __bool__(self) -> bool:
        return bool(self.missing or self.surplus or self.changed)


class Comparison:
    """Is handed the truth in batches, and says at last how `searcher` differs.

    Vectors are compared bit by bit, as the tier stores them. Memory: one of the index's vectors a face.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._exact = searcher.tier is Tier.EXACT
        self._keys, self._vectors = _all_of(searcher, np.float32 if self._exact else np.float16)
        self._met = np.zeros(len(self._keys), np.bool_)
        self._difference = Difference()

    def take(self, keys: Keys, vectors: Vectors) -> None:
        """Keys (n,) and their vectors (n, dimension) as they should be."""
        places = np.searchsorted(self._keys, keys)
        known = places < len(self._keys)
        known[known] = self._keys[places[known]] == keys[known]
        self._difference.missing += keys[~known].tolist()
        wanted = vectors[known].astype(self._vectors.dtype)
        same = (self._vectors[places[known]] == wanted).all(axis=1)
        self._difference.changed += keys[known][~same].tolist()
        self._met[places[known]] = True

    def difference(self) -> Difference:
        """Once everything was taken."""
        self._difference.surplus = self._keys[~self._met].tolist()
        return self._difference


def _all_of(searcher: Searcher, dtype: type) -> tuple[Keys, NDArray[np.floating]]:
    chunks: list[tuple[Keys, NDArray[np.floating]]] = [
        (keys, vectors.astype(dtype)) for keys, vectors in searcher.contents()
    ]
    if not chunks:
        return np.empty(0, np.int64), np.empty((0, 0), dtype)
    return np.concatenate([keys for keys, _ in chunks]), np.concatenate([v for _, v in chunks])
