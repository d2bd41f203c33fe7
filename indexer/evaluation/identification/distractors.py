"""Synthetic distractors that enlarge a gallery. They are vectors, not faces.

They are samples of a Gaussian with the mean and the covariance of real embeddings, one image per person,
normalised to length 1. They share two moments with real embeddings and no more; `growth` measures how much
that matters.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.types import Vectors

BLOCK = 10_000
"""Number of vectors that are sampled at once; it bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceDistribution:
    mean: NDArray[np.float64]
    """Shape (dimension,)."""
    factor: NDArray[np.float64]
    """Shape (dimension, dimension): its product with its transpose is the covariance."""
    people: int
    """Number of people fitted. If they are fewer than the dimensions, the samples lie in their span."""

    def blocks(self, n: int, seed: int) -> Iterator[Vectors]:
        """Yields `n` unit vectors, BLOCK at a time. The first vectors of a seed are the same for any `n`."""
        for number, start in enumerate(range(0, n, BLOCK)):
            # A vector must not depend on n. So each block has its own generator, and blocks are always
            # sampled and multiplied whole: a processor may round the rows of a shorter block differently.
            normal = np.random.default_rng((seed, number)).standard_normal(
                (BLOCK, len(self.mean)), np.float32
            )
            vectors = self.mean.astype(np.float32) + normal @ self.factor.T.astype(np.float32)
            yield (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[: n - start]


def fit(vectors: Vectors) -> FaceDistribution:
    """`vectors` (n, dimension): one per person. Raises InvalidRequest if there are fewer than two."""
    if len(vectors) < 2:
        raise InvalidRequest("synthetic distractors need the embeddings of at least two people")
    exact = vectors.astype(np.float64)
    variances, axes = np.linalg.eigh(np.cov(exact, rowvar=False))
    return FaceDistribution(
        mean=exact.mean(axis=0),
        factor=axes * np.sqrt(np.maximum(variances, 0.0)),
        people=len(vectors),
    )
