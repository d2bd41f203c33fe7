"""The graph of nearest neighbours that the methods share."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.index.neighbours import links
from indexer.types import Vectors

NEIGHBOURS = 60
LEAST = 0.25
"""No method takes links of lower cosines."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    vectors: Vectors
    a: Rows
    """Shape (links,): rows of the vectors; each pair once, the lower row first."""
    b: Rows
    cosines: NDArray[np.float32]

    @classmethod
    def of(cls, vectors: Vectors) -> "Graph":
        found = links(vectors, np.arange(len(vectors)), NEIGHBOURS, LEAST)
        low, high = np.minimum(found.probes, found.others), np.maximum(found.probes, found.others)
        a, b = np.divmod(np.unique(low * len(vectors) + high), len(vectors))
        return cls(vectors=vectors, a=a, b=b, cosines=np.einsum("nd,nd->n", vectors[a], vectors[b]))

    def above(self, threshold: float) -> "Graph":
        chosen = self.cosines >= threshold
        return Graph(vectors=self.vectors, a=self.a[chosen], b=self.b[chosen], cosines=self.cosines[chosen])
