"""One thread owns an index; callers queue, and whoever waits together is searched for together.

What runs on a GPU may be touched by one thread at a time, and does a hundred probes in hardly more time
than one. A lone caller never waits for company.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from indexer.index.searcher import Answer, Searcher
from indexer.types import Keys, Owners, Tier, Vectors

MAX_BATCH = 1_024
"""Probes that are searched for at once."""


@dataclass(slots=True, eq=False)
class _Asked:
    probes: Vectors
    k: int
    identities: bool
    """Whether for the nearest identities, rather than the nearest faces."""
    answer: "Future[Answer]" = field(default_factory=Future)


class BatchingSearcher:
    """A searcher of which everything but plain numbers is asked in a thread of its own.

    Safe to search from any number of threads. The thread ends when nobody holds the searcher any more.
    """

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher
        self._waiting: deque[_Asked] = deque()
        self._owner = ThreadPoolExecutor(1, thread_name_prefix="searcher")

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
    def tombstones(self) -> int:
        return self._searcher.tombstones

    @property
    def memory_bytes(self) -> int:
        return self._searcher.memory_bytes

    def add(self, keys: Keys, vectors: Vectors, owners: Owners) -> None:
        """Raises what the searcher does."""
        self._owner.submit(self._searcher.add, keys, vectors, owners).result()

    def remove(self, keys: Keys) -> tuple[Keys, Vectors]:
        return self._owner.submit(self._searcher.remove, keys).result()

    def search(self, probes: Vectors, k: int) -> Answer:
        """Raises what the searcher does."""
        return self._ask(_Asked(probes, k, identities=False))

    def search_identities(self, probes: Vectors, k: int) -> Answer:
        """Raises what the searcher does."""
        return self._ask(_Asked(probes, k, identities=True))

    def contents(self) -> Iterator[tuple[Keys, Vectors, Owners]]:
        chunks = self._searcher.contents()
        while (chunk := self._owner.submit(next, chunks, None).result()) is not None:
            yield chunk

    def _ask(self, asked: _Asked) -> Answer:
        self._waiting.append(asked)
        self._owner.submit(self._serve)
        return asked.answer.result()

    def _serve(self) -> None:
        """In the owner's thread, once for each caller; whom an earlier turn has served is not there."""
        batch: list[_Asked] = []
        probes = 0
        while self._waiting and (not batch or self._joins(batch[0], probes)):
            batch.append(self._waiting.popleft())
            probes += len(batch[-1].probes)
        if not batch:
            return
        try:
            search = self._searcher.search_identities if batch[0].identities else self._searcher.search
            scores, keys = search(
                np.concatenate([asked.probes for asked in batch]), max(asked.k for asked in batch)
            )
        except BaseException as error:  # the callers wait for an answer, whatever happened
            for asked in batch:
                asked.answer.set_exception(error)
            return
        start = 0
        for asked in batch:
            stop = start + len(asked.probes)
            asked.answer.set_result((scores[start:stop, : asked.k], keys[start:stop, : asked.k]))
            start = stop

    def _joins(self, first: _Asked, probes: int) -> bool:
        """Whether the next in the queue is searched for together with `first`, and `probes` in all."""
        following = self._waiting[0]
        return following.identities is first.identities and probes + len(following.probes) <= MAX_BATCH
