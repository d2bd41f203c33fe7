"""Which of the groups resemble somebody with a name, by the mean cosine of their faces."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import numpy as np

from indexer.gallery_jobs.clustering.join import Resemblance
from indexer.records.clusterings.faces import ReadFace
from indexer.types import Vectors

_GROUPS = 512
"""Whose scores with everybody are in memory at once."""


def named_means(batches: Iterable[tuple[Sequence[ReadFace], Vectors]]) -> tuple[list[UUID], Vectors]:
    """Identities with names, and the mean vector of each, shape (identities, dimension)."""
    places: dict[UUID, int] = {}
    sums: list[Vectors] = []
    counts: list[int] = []
    for faces, vectors in batches:
        for face, vector in zip(faces, vectors, strict=True):
            place = places.setdefault(face.identity_id, len(sums))
            if place == len(sums):
                sums.append(vector.astype(np.float32))
                counts.append(1)
            else:
                sums[place] += vector
                counts[place] += 1
    if not sums:
        return [], np.empty((0, 0), np.float32)
    return list(places), np.stack(sums) / np.array(counts, np.float32)[:, np.newaxis]


def resembling(
    identity_ids: Sequence[UUID], means: Vectors, named: Sequence[UUID], named_: Vectors, threshold: float
) -> list[Resemblance]:
    """For each group at most one, the best. `means` (n, dimension), `named_` (m, dimension)."""
    found: list[Resemblance] = []
    if not named:
        return found
    for start in range(0, len(means), _GROUPS):
        scores = means[start : start + _GROUPS] @ named_.T
        best = scores.argmax(axis=1)
        for row, place in enumerate(best):
            score = float(scores[row, place])
            if score >= threshold:
                found.append(
                    Resemblance(identity_id=identity_ids[start + row], named=named[place], score=score)
                )
    return found
