"""A searcher that follows a change log while it is searched."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np

from indexer.index.searcher import Searcher
from indexer.types import Change, ChangeKind, Keys, Neighbour, Vectors


class LiveIndex:
    """Safe to search from any number of threads while one applies changes.

    `applied` is the number of the last change in it. Changes at or below it are passed over, so that
    replaying a stretch twice does no harm.
    """

    def __init__(self, searcher: Searcher, *, applied: int = 0) -> None:
        self._searcher = searcher
        self._applied = applied
        self._lock = _ReadersOrWriter()

    @classmethod
    def from_state(cls, searcher: Searcher, *, applied: int, keys: Keys, vectors: Vectors) -> "LiveIndex":
        """Fills the empty `searcher`."""
        if len(keys):
            searcher.add(keys, vectors)
        return cls(searcher, applied=applied)

    @property
    def applied(self) -> int:
        return self._applied

    @property
    def count(self) -> int:
        return self._searcher.count

    def search(self, probes: Vectors, k: int) -> list[list[Neighbour]]:
        """For each of the probes (n, dimension) its nearest min(k, count) faces, best first."""
        with self._lock.reading():
            scores, keys = self._searcher.search(probes, k)
        return [
            [Neighbour(key=key, score=score) for key, score in zip(*row, strict=True)]
            for row in zip(keys.tolist(), scores.tolist(), strict=True)
        ]

    def apply(self, changes: Iterable[Change]) -> None:
        """Replays changes, which follow one another without gaps from `applied` on."""
        new = [change for change in changes if change.number > self._applied]
        if not new:
            return
        enrolled = {c.key: c.vector for c in new if c.kind is ChangeKind.ENROL}
        deleted = [c.key for c in new if c.kind is ChangeKind.DELETE]
        for key in deleted:  # keys are never used twice: what is deleted stays so
            enrolled.pop(key, None)
        vectors = {key: vector for key, vector in enrolled.items() if vector is not None}
        with self._lock.writing():
            if deleted:
                self._searcher.remove(np.array(deleted, np.int64))
            if vectors:
                self._searcher.add(
                    np.fromiter(vectors.keys(), np.int64, len(vectors)), np.stack(list(vectors.values()))
                )
            self._applied = new[-1].number


class _ReadersOrWriter:
    """Any number of readers, or one writer. A waiting writer holds up new readers, not for long."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._changed = threading.Condition()
        self._readers = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._gate, self._changed:
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._gate:
            with self._changed:
                self._changed.wait_for(lambda: self._readers == 0)
            yield
