"""The contrastive loss of Hadsell, Chopra and LeCun (2006, eq. 4), and the distances that it is of."""

from typing import Literal

import torch
from torch import Tensor

Distance = Literal["cosine", "euclidean"]

_NEVER_ZERO = 1e-12
"""Below the root, whose slope at zero has no end."""


def embedded(embeddings: Tensor, kind: Distance) -> Tensor:
    """What distances are taken of, (n, dimension): `cosine` those of length 1, as they are served, where
    d^2 = 2 - 2 cos; `euclidean` the embeddings as the network gives them."""
    return torch.nn.functional.normalize(embeddings, dim=1) if kind == "cosine" else embeddings


def pairwise(first: Tensor, second: Tensor) -> Tensor:
    """Euclidean, shape (n,), of rows of two (n, dimension)."""
    return (first - second).square().sum(dim=1).clamp_min(_NEVER_ZERO).sqrt()


def contrastive_loss(distance: Tensor, same: Tensor, margin: float) -> Tensor:
    """L = y d^2 + (1 - y) max(0, m - d)^2 of each pair, shape (n,): pairs of one person are drawn together,
    pairs of two people pushed apart as far as the margin, and left alone beyond it.

    `distance`: shape (n,), at least 0; `same`: shape (n,), y, 1 for one person and 0 for two.
    """
    apart = (margin - distance).clamp_min(0.0)
    return same * distance.square() + (1.0 - same) * apart.square()
