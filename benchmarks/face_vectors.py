"""Vectors for measuring a search, distributed as embeddings of faces are. They contain no face.

A gallery is sampled from a Gaussian with the mean and the covariance of SFace's embeddings of Labeled
Faces in the Wild, one image a person, and normalised. A probe for someone in it lies as far from its mate
as a second photograph does: its cosine is drawn from LFW's pairs of images of one person (median 0.66, one
in twenty below 0.43), and what is left of it points where faces differ, not anywhere. That is nearly as far
as strangers are from one another, and where searches lose people. A slightly disturbed mate shows nothing.

`fit_face_vectors` made the parameters, `face_vectors.npz`.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

PARAMETERS = Path(__file__).with_name("face_vectors.npz")
BLOCK = 10_000
"""Vectors that are sampled at once: what bounds the memory beyond the result."""

_GALLERY, _STRANGERS, _PROBES = range(3)  # independent streams of one seed


class Parameters(NamedTuple):
    mean: NDArray[np.float32]
    """Shape (dimension,): of unit vectors."""
    covariance: NDArray[np.float32]
    """Shape (dimension, dimension), about the mean."""
    genuine: NDArray[np.float32]
    """Cosines of images of one person: evenly spaced quantiles, from the least to the greatest."""


@cache
def parameters() -> Parameters:
    with np.load(PARAMETERS, allow_pickle=False) as file:
        return Parameters(*(file[name] for name in Parameters._fields))


def gallery(n: int, seed: int) -> Vectors:
    """Shape (n, dimension): one unit vector for each of n people.

    A smaller gallery of the same seed is the beginning of a larger one.
    """
    return _filled(n, gallery_blocks(n, seed))


def gallery_blocks(n: int, seed: int) -> Iterator[Vectors]:
    """What `gallery` holds, BLOCK people at a time: for galleries that do not fit into memory."""
    return _blocks(n, (seed, _GALLERY))


def strangers(n: int, seed: int) -> Vectors:
    """Shape (n, dimension): unit vectors of people who are in no gallery."""
    return _filled(n, _blocks(n, (seed, _STRANGERS)))


def probes(mates: Vectors, seed: int) -> Vectors:
    """Shape (n, dimension): a second photograph, a unit vector again, for each of `mates`.

    With c from LFW's genuine pairs, c · mate + √(1 − c²) · u, u a unit vector that is sampled as the
    gallery is and made orthogonal to the mate: unlike isotropic noise it leans where faces vary most.
    """
    c = genuine_cosines(len(mates), np.random.default_rng((seed, _PROBES)))[:, np.newaxis]
    away = _filled(len(mates), _blocks(len(mates), (seed, _PROBES, 1)))
    away -= np.einsum("nd,nd->n", away, mates)[:, np.newaxis] * mates
    across: Vectors = np.sqrt(np.float32(1) - c * c) * _normalised(away)
    return _normalised(c * mates + across)


def genuine_cosines(n: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Shape (n,): drawn from the measured distribution, straight between its quantiles."""
    genuine = parameters().genuine
    return np.interp(rng.random(n), np.linspace(0, 1, len(genuine)), genuine).astype(np.float32)


def effective_dimension(covariance: NDArray[np.float32]) -> float:
    """The participation ratio of the variances along the principal axes, (Σλ)² / Σλ²."""
    variances = np.linalg.eigvalsh(covariance.astype(np.float64))
    return float(variances.sum() ** 2 / (variances**2).sum())


def _blocks(n: int, seed: tuple[int, ...]) -> Iterator[Vectors]:
    mean, covariance, _ = parameters()
    factor = np.linalg.cholesky(covariance.astype(np.float64)).astype(np.float32)
    for number, start in enumerate(range(0, n, BLOCK)):
        # A generator for each block, and always whole blocks: a vector does not depend on n.
        normal = np.random.default_rng((*seed, number)).standard_normal((BLOCK, len(mean)), np.float32)
        yield _normalised(mean + normal[: n - start] @ factor.T)


def _filled(n: int, blocks: Iterator[Vectors]) -> Vectors:
    vectors = np.empty((n, len(parameters().mean)), np.float32)
    start = 0
    for block in blocks:
        vectors[start : start + len(block)] = block
        start += len(block)
    return vectors


def _normalised(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths
