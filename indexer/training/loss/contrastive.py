"""The contrastive loss of Hadsell, Chopra and LeCun (2006, eq. 4), and its distances."""

from typing import Literal

import torch
from torch import Tensor

Distance = Literal["cosine", "euclidean"]

_EPSILON = 1e-12
"""Under the square root, whose slope at 0 is infinite."""


def distance_space(embeddings: Tensor, kind: Distance) -> Tensor:
    """The vectors between which distances are measured, (n, dimension): with `cosine` the embeddings
    normalised to length 1, as in serving, where d^2 = 2 - 2 cos; with `euclidean` the network's own."""
    return torch.nn.functional.normalize(embeddings, dim=1) if kind == "cosine" else embeddings


def pairwise(first: Tensor, second: Tensor) -> Tensor:
    """Euclidean distances, shape (n,), between the rows of two (n, dimension)."""
    return (first - second).square().sum(dim=1).clamp_min(_EPSILON).sqrt()


def contrastive_loss(distance: Tensor, same: Tensor, margin: float) -> Tensor:
    """L = y d^2 + (1 - y) max(0, m - d)^2 of each pair, shape (n,): the loss pulls pairs of one person
    together and separates pairs of two people, up to the margin.

    `distance`: shape (n,), at least 0; `same`: shape (n,), y, 1 for one person and 0 for two.
    """
    gap = (margin - distance).clamp_min(0.0)
    return same * distance.square() + (1.0 - same) * gap.square()
