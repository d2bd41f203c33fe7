"""An index that applies the changes of a log while other threads search it."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from indexer.index.digest import Digest
from indexer.index.people.search import PeopleAnswer
from indexer.index.searcher import Searcher
from indexer.index.selections.selection import Selection
from indexer.types import (
    LOG_START,
    Change,
    ChangeKind,
    Keys,
    LogPosition,
    NearPerson,
    Neighbour,
    Tier,
    Vectors,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexState:
    """State of an index at one moment."""

    tier: Tier
    position: LogPosition
    removed_at: int
    """As of `LiveIndex`."""
    count: int
    """Faces and person templates."""
    faces: int
    tombstones: int
    memory_bytes: int
    digest: str


class LiveIndex:
    """Safe to search from any number of threads while one thread applies changes.

    `position` is the one of the last change in the index. Changes up to its number are skipped, so that
    changes may be replayed twice.
    """

    def __init__(
        self, searcher: Searcher, *, position: LogPosition = LOG_START, digest: Digest | None = None
    ) -> None:
        """`digest`: of the contents of `searcher`; by default that of an empty index."""
        self._searcher = searcher
        self._position = position
        self._digest = digest or Digest()
        self._removed_at = position.number
        self._lock = _ReadWriteLock()
        self._state = self._measured()

    @property
    def searcher(self) -> Searcher:
        """The index underneath. Use it only while no changes are applied."""
        return self._searcher

    @property
    def position(self) -> LogPosition:
        return self._position

    @property
    def applied(self) -> int:
        """Number of the last change in it."""
        return self._position.number

    @property
    def removed_at(self) -> int:
        """Number of the last change that deleted a face, here or in another part of the gallery. Until one is
        applied here it is the change as of which the index was read: earlier ones deleted faces, maybe."""
        return self._removed_at

    @property
    def count(self) -> int:
        return self._searcher.count

    @property
    def faces(self) -> int:
        """Enrolled faces: `count` without the person templates."""
        return self._searcher.count - self._searcher.templates

    @property
    def tombstones(self) -> int:
        return self._searcher.tombstones

    @property
    def memory_bytes(self) -> int:
        return self._searcher.memory_bytes

    @property
    def tier(self) -> Tier:
        return self._searcher.tier

    @property
    def digest(self) -> str:
        """Of the contents; see `digest`."""
        return self._digest.hex

    def state(self) -> IndexState:
        """As of the last change in it. Takes no lock: it answers while a change waits for a search."""
        return self._state

    @contextmanager
    def unchanged(self) -> Iterator[Searcher]:
        """The index underneath, to which no changes are applied in the block: several answers of it, and
        `state`, are of one change. Do not search this object in the block."""
        with self._lock.reading():
            yield self._searcher

    def search(self, probes: Vectors, k: int) -> list[list[Neighbour]]:
        """For each of the probes (n, dimension) the nearest min(k, count) faces, best first."""
        with self._lock.reading():
            return neighbours(*self._searcher.search(probes, k))

    def search_identities(
        self, probes: Vectors, k: int, selection: Selection | None = None
    ) -> list[list[NearPerson]]:
        """For each of the probes (n, dimension) the k people with the highest scores, best first.

        `selection`: among these people only. Fewer where there are fewer people.
        """
        with self._lock.reading():
            return near_people(self._searcher.search_identities(probes, k, selection))

    def count_faces(self, selection: Selection) -> int:
        """How many faces the people of the selection have."""
        with self._lock.reading():
            return self._searcher.count_faces(selection)

    def apply(self, changes: Iterable[Change]) -> None:
        """Replays changes. Their numbers follow `position` without a gap, as those of `changes.after` do."""
        new = [change for change in changes if change.number > self.applied]
        if not new:
            return
        enrolled = {c.key: c for c in new if c.kind is ChangeKind.ENROL and c.vector is not None}
        deleted = [c.key for c in new if c.kind is ChangeKind.DELETE]
        for key in deleted:  # keys are never used twice: a deleted face never returns
            enrolled.pop(key, None)
        added = [change for _, change in sorted(enrolled.items(), key=itemgetter(0))]
        with self._lock.writing():
            if any(change.kind is ChangeKind.DELETE and not change.is_template for change in new):
                self._removed_at = new[-1].number
            if deleted:
                self._digest.remove(*self._searcher.remove(np.array(deleted, np.int64)))
            if added:
                keys, owners = np.array([(c.key, c.owner) for c in added], np.int64).T
                vectors = np.array([c.vector for c in added], np.float32)
                self._searcher.add(keys, vectors, owners)
                self._digest.add(keys, vectors)
            self._position = LogPosition(number=new[-1].number, token=new[-1].token)
            self._state = self._measured()

    def _measured(self) -> IndexState:
        return IndexState(
            tier=self.tier,
            position=self.position,
            removed_at=self.removed_at,
            count=self.count,
            faces=self.faces,
            tombstones=self.tombstones,
            memory_bytes=self.memory_bytes,
            digest=self.digest,
        )


def neighbours(scores: NDArray[np.float32], keys: Keys) -> list[list[Neighbour]]:
    return [
        [Neighbour(key=key, score=score) for key, score in zip(*row, strict=True) if key >= 0]
        for row in zip(keys.tolist(), scores.tolist(), strict=True)
    ]


def near_people(answer: PeopleAnswer) -> list[list[NearPerson]]:
    return [
        [
            NearPerson(
                key=key,
                score=score,
                face_score=face_score,
                template_score=template_score if faces else None,
                faces=faces or None,
            )
            for score, key, face_score, template_score, faces in zip(*row, strict=True)
            if key >= 0
        ]
        for row in zip(*(column.tolist() for column in answer), strict=True)
    ]


class _ReadWriteLock:
    """Any number of readers, or one writer. New readers wait behind a waiting writer."""

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
