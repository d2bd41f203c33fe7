"""Average linkage over a sparse graph: the two groups with the highest mean cosine become one.

Average linkage (UPGMA): R. R. Sokal and C. D. Michener, "A statistical method for evaluating systematic
relationships", 1958. A heap with one entry for each group, which is corrected when it comes to the top: D.
Müllner, "Modern hierarchical, agglomerative clustering algorithms", 2011, the "generic" algorithm. Of unit
vectors the mean cosine of two groups is the inner product of their sums over the product of their sizes, so
that no matrix of distances is needed.
"""

import heapq

import numpy as np
from numpy.typing import NDArray

from indexer.types import Vectors

_CHUNK = 65_536
"""Links whose scores are computed at once."""

Rows = NDArray[np.int64]


class Groups:
    """Groups of vectors, each known by the lowest number of what it was merged from."""

    def __init__(self, sums: Vectors, sizes: Rows, kept: NDArray[np.bool_]) -> None:
        """`sums` (n, dimension): of the unit vectors of each group, overwritten by merges; `sizes` (n,): how
        many they are; `kept` (n,): groups of which no two are merged."""
        self._sums = sums
        self._sizes = sizes
        self._kept = kept
        self._parent = np.arange(len(sums))

    @property
    def kept(self) -> NDArray[np.bool_]:
        """Shape (n,); a group that something kept was merged into is kept."""
        return self._kept

    def roots(self, rows: Rows) -> Rows:
        """The groups that `rows` belong to now, in the same shape."""
        roots = self._parent[rows]
        while not np.array_equal(further := self._parent[roots], roots):
            roots = further
        self._parent[rows] = roots
        return roots

    def means(self, rows: Rows) -> Vectors:
        """Mean vectors (len(rows), dimension) of groups: their inner products are mean cosines."""
        means = self._sums[rows]
        means /= self._sizes[rows, np.newaxis]
        return means

    def link(self, a: Rows, b: Rows) -> tuple[Rows, Rows]:
        """The links between groups that links between rows amount to, each once, lower number first."""
        a, b = self.roots(a), self.roots(b)
        allowed = (a != b) & ~(self._kept[a] & self._kept[b])
        low, high = np.minimum(a, b)[allowed], np.maximum(a, b)[allowed]
        pairs = np.unique(low * len(self._parent) + high)
        return np.divmod(pairs, len(self._parent))

    def merge(self, a: Rows, b: Rows, threshold: float) -> int:
        """Merges linked groups (as from `link`) while the best mean cosine reaches `threshold`.

        Returns the number of merges. Equal scores are taken in the order of the groups' numbers.
        """
        queue = _Queue(self, a, b, threshold)
        merges = 0
        while (pair := queue.next()) is not None:
            self._join(*pair)
            queue.joined(*pair)
            merges += 1
        return merges

    def size(self, row: int) -> int:
        """How many vectors a group has; 0 if it was merged into another."""
        return int(self._sizes[row])

    def scores(self, row: int, others: Rows) -> NDArray[np.float32]:
        """Mean cosines (len(others),) of a group with others."""
        scores: NDArray[np.float32] = (self._sums[others] @ self._sums[row]) / (
            self._sizes[others] * self._sizes[row]
        )
        return scores

    def pair_scores(self, a: Rows, b: Rows) -> NDArray[np.float32]:
        """Mean cosines (len(a),) of pairs of groups."""
        scores = np.empty(len(a), np.float32)
        for start in range(0, len(a), _CHUNK):
            part = slice(start, start + _CHUNK)
            scores[part] = np.einsum("nd,nd->n", self.means(a[part]), self.means(b[part]))
        return scores

    def _join(self, low: int, high: int) -> None:
        self._sums[low] += self._sums[high]
        self._sizes[low] += self._sizes[high]
        self._sizes[high] = 0
        self._kept[low] |= self._kept[high]
        self._parent[high] = low


class _Queue:
    """The best partner of each group. A group whose partner has changed is looked up again when its entry
    comes to the top; until then its entry is at least as high as any score of its present links."""

    def __init__(self, groups: Groups, a: Rows, b: Rows, threshold: float) -> None:
        self._groups = groups
        self._threshold = threshold
        scores = groups.pair_scores(a, b)
        rows, partners = np.concatenate([a, b]), np.concatenate([b, a])
        scores = np.concatenate([scores, scores])
        order = np.lexsort((partners, -scores, rows))
        rows, partners, scores = rows[order], partners[order], scores[order]
        self._partners = partners
        counts = np.bincount(rows, minlength=1)
        self._ends = np.cumsum(counts)
        self._linked: dict[int, Rows] = {}
        """Links that have changed since the start."""
        best = np.flatnonzero(np.diff(rows, prepend=-1))
        best = best[scores[best] >= threshold]
        sizes = groups.size
        self._heap = [
            (-score, row, partner, sizes(row), sizes(partner))
            for score, row, partner in zip(
                scores[best].tolist(), rows[best].tolist(), partners[best].tolist(), strict=True
            )
        ]
        heapq.heapify(self._heap)

    def next(self) -> tuple[int, int] | None:
        """The two groups with the highest mean cosine, the lower number first."""
        size = self._groups.size
        while self._heap:
            _, row, partner, row_size, partner_size = heapq.heappop(self._heap)
            if size(row) != row_size:  # merged since: it has another entry
                continue
            if size(partner) == partner_size:
                return min(row, partner), max(row, partner)
            self._push(row)
        return None

    def joined(self, low: int, high: int) -> None:
        self._linked[low] = np.concatenate([self._links(low), self._links(high)])
        self._linked.pop(high, None)
        self._push(low)

    def _links(self, row: int) -> Rows:
        changed = self._linked.get(row)
        if changed is not None:
            return changed
        if row >= len(self._ends):
            return self._partners[:0]
        return self._partners[self._ends[row - 1] if row else 0 : self._ends[row]]

    def _push(self, row: int) -> None:
        groups = self._groups
        others = np.unique(groups.roots(self._links(row)))
        others = others[others != row]
        if groups.kept[row]:
            others = others[~groups.kept[others]]
        self._linked[row] = others
        if len(others):
            scores = groups.scores(row, others)
            best = int(scores.argmax())
            if scores[best] >= self._threshold:
                partner = int(others[best])
                entry = (-float(scores[best]), row, partner, groups.size(row), groups.size(partner))
                heapq.heappush(self._heap, entry)
