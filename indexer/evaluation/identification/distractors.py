"""Synthetic strangers to enlarge a gallery with: they lie as a model's embeddings of people do. Not faces.

A Gaussian with the mean and the covariance of real embeddings, one image a person, is sampled and the
samples are brought to length 1. Two moments are all that it has of the real ones: how far that carries, the
comparison of real with synthetic strangers in `growth` shows each time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.errors import InvalidRequest
from indexer.types import Vectors

BLOCK = 10_000
"""Vectors that are sampled at once: what bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crowd:
    mean: NDArray[np.float64]
    """Shape (dimension,)."""
    factor: NDArray[np.float64]
    """Shape (dimension, dimension): its product with its own transpose is the covariance."""
    people: int
    """How many were fitted. With fewer than there are dimensions the samples lie in their span."""

    def blocks(self, n: int, seed: int) -> Iterator[Vectors]:
        """`n` unit vectors, BLOCK at a time. Fewer of the same seed are the beginning of more."""
        for number, start in enumerate(range(0, n, BLOCK)):
            # A generator for each block, and whole blocks always, also when multiplied, since a processor may
            # round the rows of a shorter one otherwise: what a vector is does not depend on n.
            normal = np.random.default_rng((seed, number)).standard_normal(
                (BLOCK, len(self.mean)), np.float32
            )
            vectors = self.mean.astype(np.float32) + normal @ self.factor.T.astype(np.float32)
            yield (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[: n - start]


def fit(vectors: Vectors) -> Crowd:
    """`vectors` (n, dimension): one of each person. Raises InvalidRequest where there are fewer than two."""
    if len(vectors) < 2:
        raise InvalidRequest("synthetic strangers need the embeddings of at least two people")
    given = vectors.astype(np.float64)
    variances, axes = np.linalg.eigh(np.cov(given, rowvar=False))
    return Crowd(
        mean=given.mean(axis=0),
        factor=axes * np.sqrt(np.maximum(variances, 0.0)),
        people=len(vectors),
    )
