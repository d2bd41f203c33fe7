"""The nearest of some rows of an index, by the way that costs least.

FAISS's fast scan of codes and its GPU kernels take no ID selectors. Where many rows are selected, a search of
all rows, for more of them than needed, has enough selected ones; otherwise the selected rows are scanned.
"""

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.distinct import Places
from indexer.types import Tier, Vectors

_MARGIN = 1.3
"""Factor by which a search of all rows asks for more rows than contain enough selected ones on average."""

Nearest = tuple[NDArray[np.float32], Places]


def nearest_selected(index: Any, tier: Tier, probes: Vectors, k: int, selected: NDArray[np.bool_]) -> Nearest:
    """The k nearest of the rows that are `selected`, (ntotal,): scores and places (n, k), best first.

    k is at most their number. The tiers that compare all vectors are exact. So is `compact`, except that a
    search by the codes may rank a row of the selection below `SHORTLIST` others of it: as it may without a
    selection.
    """
    count, size = int(np.count_nonzero(selected)), len(selected)
    if k == 0 or len(probes) == 0:
        return np.zeros((len(probes), k), np.float32), np.full((len(probes), k), -1, np.int64)
    needed = max(k, tiers.SHORTLIST) if tier is Tier.COMPACT else k
    widest = tiers.MAX_WIDE_CODES if tier is Tier.COMPACT else tiers.MAX_WIDE_ROWS
    width = min(size, int(_MARGIN * needed * size / count) + 16)
    if tier is Tier.EXACT or count <= tiers.FEW_ROWS or width > widest:
        return tiers.scan(index, probes, k, selected)
    if tier is Tier.COMPACT:
        scores, places, enough = _by_codes(index, probes, k, selected, width)
    else:
        scores, places, enough = _by_vectors(index, probes, k, selected, width)
    if not enough.all():  # people outside of the selection crowd around these probes
        scores[~enough], places[~enough] = tiers.scan(index, probes[~enough], k, selected)
    return scores, places


def _by_vectors(
    index: Any, probes: Vectors, k: int, selected: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.float32], Places, NDArray[np.bool_]]:
    """With whether each probe's answer is complete."""
    faiss.omp_set_num_threads(min(len(probes), tiers.CORES))
    scores, places = index.search(probes, width)
    kept = (places >= 0) & selected[places]
    first = np.argsort(~kept, axis=1, kind="stable")[:, :k]
    return (
        np.take_along_axis(scores, first, axis=1),
        np.take_along_axis(places, first, axis=1),
        kept.sum(axis=1) >= k,
    )


def _by_codes(
    index: Any, probes: Vectors, k: int, selected: NDArray[np.bool_], width: int
) -> tuple[NDArray[np.float32], Places, NDArray[np.bool_]]:
    """Likewise: complete where `SHORTLIST` selected rows were found, which a scan of their codes alone would
    have found too. These are ranked by their stored vectors."""
    faiss.omp_set_num_threads(min(len(probes), tiers.CORES))
    _, found = faiss.downcast_index(index.base_index).search(probes, width)
    scores, places = np.zeros((len(probes), k), np.float32), np.full((len(probes), k), -1, np.int64)
    enough = np.zeros(len(probes), np.bool_)
    stored = tiers.storage(index)
    for row, (probe, near) in enumerate(zip(probes, found, strict=True)):
        near = near[near >= 0]
        near = near[selected[near]]
        enough[row] = len(near) >= max(k, tiers.SHORTLIST)
        if enough[row]:
            near_scores = stored.reconstruct_batch(near) @ probe
            order = np.argsort(-near_scores, kind="stable")[:k]
            scores[row], places[row] = near_scores[order], near[order]
    return scores, places, enough
