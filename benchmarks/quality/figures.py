"""What a quality figure predicts of searches."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from indexer.evaluation.open_set import Roles
from indexer.types import Vectors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcomes:
    """Of the searches with mated probes, and of those with strangers."""

    missed: NDArray[np.bool_]
    """Shape (mated,): below the threshold, or somebody else is nearer."""
    alarms: NDArray[np.bool_]
    """Shape (strangers,): reached the threshold."""


def threshold(vectors: Vectors, roles: Roles, fpir: float) -> float:
    """Above it is the share `fpir` of the strangers' highest scores."""
    highest = np.sort((vectors[roles.nonmated] @ vectors[roles.gallery].T).max(axis=1))[::-1]
    return float(highest[int(fpir * len(highest))])


def search(
    gallery: Vectors, mated: Vectors, mates: NDArray[np.int64], strangers: Vectors, above: float
) -> Outcomes:
    """`mates` (mated,): for each probe the row of its person in `gallery`. A probe without a vector, which is
    zero then, is missed."""
    scores = mated @ gallery.T
    own = scores[np.arange(len(mates)), mates]
    missed = (own <= above) | (scores.max(axis=1) > own)
    return Outcomes(missed=missed, alarms=(strangers @ gallery.T).max(axis=1) > above)


def auc(values: NDArray[np.float64], missed: NDArray[np.bool_]) -> float:
    """Probability that a missed probe has a lower value than one that is not missed (Mann and Whitney 1947);
    equal values count half."""
    bad, good = np.sort(values[missed]), values[~missed]
    below = np.searchsorted(bad, good, "left") + np.searchsorted(bad, good, "right")
    return float(below.mean() / 2 / len(bad))


def worst(values: NDArray[np.float64], share: float) -> NDArray[np.bool_]:
    """Which of the values are the lowest `share`."""
    chosen = np.zeros(len(values), np.bool_)
    chosen[np.argsort(values, kind="stable")[: round(share * len(values))]] = True
    return chosen


def miss_rates(
    values: NDArray[np.float64], missed: NDArray[np.bool_], edges: Sequence[float]
) -> list[tuple[float, float]]:
    """Mean value and share of misses between each two `edges`, in so far as there are probes. Where more
    recognisable faces are missed more often, both get their common share (pool adjacent violators, Barlow et
    al. 1972)."""
    steps: list[tuple[list[float], int, int]] = []  # values, misses, probes
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if not inside.any():
            continue
        steps.append(([float(values[inside].mean())], int(missed[inside].sum()), int(inside.sum())))
        while len(steps) > 1 and steps[-2][1] / steps[-2][2] <= steps[-1][1] / steps[-1][2]:
            (first, few, n), (second, many, m) = steps[-2:]
            steps[-2:] = [(first + second, few + many, n + m)]
    return [(value, misses / n) for means, misses, n in steps for value in means]
