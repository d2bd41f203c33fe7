"""The nearest rows of a FAISS index, without those that a search must not return."""

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.index import tiers
from indexer.index.distinct import Places, nearest_distinct, others
from indexer.index.selections.nearest import nearest_selected
from indexer.types import Owners, Tier, Vectors


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RowFilter:
    """Which rows of an index a search may return. Arrays with an element for each row."""

    excluded: NDArray[np.bool_]
    """True for rows that no answer may have, such as deleted faces."""
    owners: Owners | None
    """Of each identity only the nearest row is an answer; None: each row counts as an identity."""
    selected: int | None = None
    """How many rows are not excluded, where the search is among some people; None otherwise."""


def nearest_rows(
    index: Any, tier: Tier, probes: Vectors, k: int, selected: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.float32], Places]:
    """The k nearest of all rows, or of those that are `selected`, (ntotal,): scores and places (n, k), best
    first."""
    if selected is not None:
        return nearest_selected(index, tier, probes, k, selected)
    # FAISS does not divide a single query; with more than one thread it takes three times as long.
    faiss.omp_set_num_threads(min(len(probes), tiers.CORES))
    scores, places = index.search(probes, k, params=tiers.search_parameters(tier, k))
    return scores, places


def nearest_allowed(
    index: Any, tier: Tier, probes: Vectors, k: int, rows: RowFilter
) -> tuple[NDArray[np.float32], Places]:
    """The k nearest rows that are allowed: scores and places (n, k), best first; rows end with places -1.

    All probes are searched at once. Where the faces of one identity, or excluded rows, crowd out the others,
    a scan leaves these out and searches the rest exactly: each scan finds at least one identity.
    """
    scores = np.zeros((len(probes), k), np.float32)
    places = np.full((len(probes), k), -1, np.int64)
    short = np.arange(len(probes) if k else 0)
    size, selected = len(rows.excluded), None
    if rows.selected is not None:
        size, selected = rows.selected, ~rows.excluded
    for width in tiers.widths(tier, k):
        if len(short) == 0:
            break
        nearest = nearest_rows(index, tier, probes[short], min(width, size), selected)
        scores[short], places[short] = nearest_distinct(*nearest, k, rows.excluded, rows.owners)
        short = short[places[short, -1] < 0]
        if selected is not None and width >= size:  # there are no other rows
            return scores, places
    for row in short.tolist():
        _complete(index, probes[row : row + 1], scores[row : row + 1], places[row : row + 1], rows)
    return scores, places


def _complete(
    index: Any, probe: Vectors, scores: NDArray[np.float32], places: Places, rows: RowFilter
) -> None:
    """Fills a row of answers in place, until there are no more rows that are allowed."""
    for width in tiers.scan_widths():
        allowed = others(places, rows.excluded, rows.owners)
        left = int(np.count_nonzero(allowed))
        if left == 0:
            return
        more_scores, more = tiers.scan(index, probe, min(width, left), allowed)
        before = places.copy()
        scores[:], places[:] = nearest_distinct(
            np.concatenate([scores, more_scores], axis=1),
            np.concatenate([places, more], axis=1),
            places.shape[1],
            rows.excluded,
            rows.owners,
        )
        if places[0, -1] >= 0 or np.array_equal(places, before):
            return
