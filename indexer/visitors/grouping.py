"""Whether a face that was recognised as a visitor becomes one of the visitor's faces.

The criterion is that of average linkage, by which a gallery is clustered as well (`indexer.clustering`): the
mean similarity with all faces of the group. One face that happens to resemble a stranger does not draw the
stranger's faces into the group.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

SAME_LOOK = 0.8
"""Cosine similarity to the nearest face from which a picture shows what is known already. On LFW one pair of
photographs of a person in eight reaches it, and so do most pictures of one scene."""


def belongs(vector: NDArray[np.float32], faces: Vectors, threshold: float) -> bool:
    """`vector`: (dimension,); `faces`: those of the visitor, (n, dimension)."""
    return bool(np.mean(faces @ vector) >= threshold)
