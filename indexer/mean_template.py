"""The template of several faces of a person: the normalised mean of their embeddings.

Indexes are compared bit by bit, also between machines. So the additions are made one after the other, in
float64, in the order of the faces, and not in the order that a library for matrices chooses.
"""

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

MIN_FACES = 2
"""With one face, its embedding is the person's only template."""
_NO_DIRECTION = 1e-6
"""Length of a mean below which it has no direction: its embeddings cancel each other out."""


def mean_templates(vectors: Vectors, starts: NDArray[np.int64]) -> tuple[Vectors, NDArray[np.bool_]]:
    """One template for each person: vectors (m, dimension), and whether the person has one, shape (m,).

    `vectors` (n, dimension): person by person, in the order of the faces' keys; `starts` (m,): the first of
    each person, ascending. A person with one face has no template.
    """
    counts = np.diff(np.append(starts, len(vectors)))
    sums = np.zeros((len(starts), vectors.shape[1]))
    for place in range(int(counts.max(initial=0))):
        people = np.flatnonzero(counts > place)
        sums[people] += vectors[starts[people] + place]
    lengths = np.sqrt(np.add.accumulate(sums * sums, axis=1)[:, -1])
    directed = lengths > _NO_DIRECTION
    templates = (sums / np.where(directed, lengths, 1.0)[:, np.newaxis]).astype(np.float32)
    return templates, directed & (counts >= MIN_FACES)
