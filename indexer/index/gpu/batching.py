"""One thread owns an index; callers that wait at the same time are searched for together.

An index on a GPU may be used by one thread at a time, and it searches a hundred probes in hardly more time
than one. A single caller is searched for at once: nothing waits for a batch to fill.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from indexer.index.people.search import PeopleAnswer
from indexer.index.searcher import Answer, Searcher
from indexer.index.selections.selection import Selection
from indexer.types import Keys, Owners, Tier, Vectors

MAX_BATCH = 1_024
"""Probes of several callers that are searched for together, at most."""
THREAD_NAME = "searcher"


@dataclass(slots=True, eq=False)
class _Request:
    probes: Vectors
    k: int
    identities: bool
    """Whether for the nearest identities, rather than the nearest faces."""
    selection: Selection | None = None
    """Among these people only."""
    answer: "Future[tuple[Any, ...]]" = field(default_factory=Future)


class BatchingSearcher:
    """A searcher whose methods run in a thread of its own.

    Safe to search from any number of threads. The thread ends when the searcher is garbage-collected.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._queue: deque[_Request] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=THREAD_NAME)

    @property
    def tier(self) -> Tier:
        return self._searcher.tier

    @property
    def dimension(self) -> int:
        return self._searcher.dimension

    @property
    def count(self) -> int:
        return self._searcher.count

    @property
    def templates(self) -> int:
        return self._searcher.templates

    @property
    def tombstones(self) -> int:
        return self._searcher.tombstones

    @property
    def memory_bytes(self) -> int:
        return self._searcher.memory_bytes

    @property
    def queued(self) -> int:
        """Searches that have not begun."""
        return len(self._queue)

    def add(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        """Raises what the searcher raises."""
        self._thread.submit(self._searcher.add, keys, vectors, owners).result()

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        return self._thread.submit(self._searcher.remove, keys).result()

    def search(self, probes: Vectors, k: int) -> Answer:
        """Raises what the searcher raises."""
        scores, keys = self._answer(_Request(probes, k, identities=False))
        return scores, keys

    def search_identities(self, probes: Vectors, k: int, selection: Selection | None = None) -> PeopleAnswer:
        """Raises what the searcher raises."""
        return PeopleAnswer(*self._answer(_Request(probes, k, identities=True, selection=selection)))

    def count_faces(self, selection: Selection) -> int:
        return self._thread.submit(self._searcher.count_faces, selection).result()

    def contents(self) -> Iterator[tuple[Keys, Vectors, Owners]]:
        chunks = self._searcher.contents()
        while (chunk := self._thread.submit(next, chunks, None).result()) is not None:
            yield chunk

    def _answer(self, request: _Request) -> tuple[Any, ...]:
        self._queue.append(request)
        self._thread.submit(self._serve)
        return request.answer.result()

    def _serve(self) -> None:
        """Runs in the thread, once for each request; an earlier run may have served the request already."""
        batch: list[_Request] = []
        count = 0
        while self._queue and (not batch or self._joins(batch[0], count)):
            batch.append(self._queue.popleft())
            count += len(batch[-1].probes)
        if not batch:
            return
        try:
            probes, k = np.concatenate([one.probes for one in batch]), max(one.k for one in batch)
            columns: tuple[Any, ...] = (
                self._searcher.search_identities(probes, k, batch[0].selection)
                if batch[0].identities
                else self._searcher.search(probes, k)
            )
        except BaseException as error:  # every caller waits for an answer, whatever happened
            for request in batch:
                request.answer.set_exception(error)
            return
        start = 0
        for request in batch:
            stop = start + len(request.probes)
            request.answer.set_result(tuple(column[start:stop, : request.k] for column in columns))
            start = stop

    def _joins(self, first: _Request, probes: int) -> bool:
        """Whether the next request belongs to the batch of `first`, which has so many probes."""
        following = self._queue[0]
        alike = following.identities is first.identities and following.selection is first.selection
        return alike and probes + len(following.probes) <= MAX_BATCH
