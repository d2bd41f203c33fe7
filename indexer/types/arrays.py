"""Arrays that pass between packages."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""Pixels, shape (height, width, 3), RGB, upright."""

Points: TypeAlias = NDArray[np.float32]
"""Five landmarks, shape (5, 2), x and y in pixels: the eye on the left as it is seen with the face upright,
the eye on the right, nose tip, the mouth corner on the left, the one on the right."""

Vectors: TypeAlias = NDArray[np.float32]
"""Embeddings, shape (n, dimension), each of Euclidean length 1."""

Keys: TypeAlias = NDArray[np.int64]
"""Face keys, shape (n,): the number of a face in PostgreSQL and in the index. Person templates have keys of
the same series."""

Owners: TypeAlias = NDArray[np.int64]
"""Shape (n,): for each face the number of its identity, from 1. The owner of a person template is minus the
number of the identity: so a row of an index says what it is."""
