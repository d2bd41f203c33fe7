"""What an index must do, and the one that does it exactly."""

from typing import Protocol

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.types import Keys, Vectors


class Searcher(Protocol):
    """An index of unit vectors under keys. Not safe for concurrent use: `live` sees to that."""

    @property
    def count(self) -> int: ...

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keys must be new."""
        ...

    def remove(self, keys: Keys) -> None:
        """Unknown keys are passed over."""
        ...

    def search(self, probes: Vectors, k: int) -> tuple[NDArray[np.float32], Keys]:
        """The min(k, count) nearest of each probe, best first: scores (n, k) and keys (n, k).

        The score is the cosine similarity.
        """
        ...


class ExactSearcher:
    """Every vector is compared (FAISS Flat, inner product, float32): 4 x dimension + 8 bytes a face."""

    def __init__(self, dimension: int) -> None:
        self._index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    @property
    def count(self) -> int:
        return int(self._index.ntotal)

    def add(self, keys: Keys, vectors: Vectors) -> None:
        self._index.add_with_ids(vectors, keys)

    def remove(self, keys: Keys) -> None:
        self._index.remove_ids(faiss.IDSelectorBatch(keys))

    def search(self, probes: Vectors, k: int) -> tuple[NDArray[np.float32], Keys]:
        k = min(k, self.count)
        if k == 0 or len(probes) == 0:
            return np.empty((len(probes), 0), np.float32), np.empty((len(probes), 0), np.int64)
        scores, keys = self._index.search(probes, k)
        return scores, keys
