"""How well groups agree with people.

Pairwise: of pairs of faces. BCubed: of faces, each by its own group and its own person (Amigó et al. 2009, "A
comparison of extrinsic clustering evaluation metrics based on formal constraints"). Pairs weigh a person by
the square of their photographs, BCubed by their number.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    groups: int
    pair_precision: float
    pair_recall: float
    pair_f: float
    bcubed_precision: float
    bcubed_recall: float
    bcubed_f: float


def accuracy(groups: NDArray[np.int64], people: NDArray[np.int64]) -> Accuracy:
    """Both of shape (faces,)."""
    _, group = np.unique(groups, return_inverse=True)
    _, person = np.unique(people, return_inverse=True)
    _, shared, shared_sizes = np.unique(
        group.astype(np.int64) * (person.max() + 1) + person, return_inverse=True, return_counts=True
    )
    group_sizes, person_sizes = np.bincount(group), np.bincount(person)
    hits = _pairs(shared_sizes)
    pair_precision = hits / max(_pairs(group_sizes), 1.0)
    pair_recall = hits / max(_pairs(person_sizes), 1.0)
    common = shared_sizes[shared]
    precision = float((common / group_sizes[group]).mean())
    recall = float((common / person_sizes[person]).mean())
    return Accuracy(
        groups=len(group_sizes),
        pair_precision=pair_precision,
        pair_recall=pair_recall,
        pair_f=_f(pair_precision, pair_recall),
        bcubed_precision=precision,
        bcubed_recall=recall,
        bcubed_f=_f(precision, recall),
    )


def _pairs(sizes: NDArray[np.int64]) -> float:
    return float((sizes * (sizes - 1.0) / 2).sum())


def _f(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
