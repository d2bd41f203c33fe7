"""A few threads own the network; callers queue, and the faces of those that wait become one batch.

Work in the background (imports) comes after everybody else, in small batches, so that a request waits for a
small one only.

This bounds the network's threads (each thread that calls torch would start a pool of its own), and keeps a
GPU busy under load. It never waits for more callers: a single caller is served at once, and no caller joins
the batch of another while a thread is free.
"""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from indexer.concurrency import is_in_background
from indexer.embedding.card import ModelCard
from indexer.embedding.embedder import Embedder
from indexer.errors import Busy
from indexer.types import Vectors


@dataclass(slots=True, eq=False)
class _Request:
    faces: tuple[NDArray[np.uint8], ...]
    """As `Embedder.embed` takes them."""
    done: "Future[Vectors]" = field(default_factory=Future)

    @property
    def count(self) -> int:
        return len(self.faces[0])


class BatchingEmbedder:
    """Safe to call from any number of threads. `close` ends its own threads."""

    def __init__(
        self,
        embedder: Embedder,
        *,
        max_batch: int,
        max_waiting: int | None,
        threads: int = 1,
        background_batch: int | None = None,
    ) -> None:
        """`max_batch`: faces in one batch. `max_waiting`: callers in the queue; the next one gets Busy;
        None: no limit. Work in the background has none. `threads`: batches at once. `background_batch`: faces
        in one batch of work in the background; None: as many as in others."""
        self._embedder = embedder
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._background_batch = background_batch or max_batch
        self._waiting: deque[_Request] = deque()
        self._in_background: deque[_Request] = deque()
        self._changed = threading.Condition()
        """Of the two queues, and of what follows."""
        self._closed = False
        self._in_network = 0
        """Threads that run the network."""
        self._threads = [
            threading.Thread(target=self._run, name=f"embedder-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def card(self) -> ModelCard:
        return self._embedder.card

    @property
    def runs_batches_at_once(self) -> bool:
        return self._embedder.runs_batches_at_once

    @property
    def waiting(self) -> int:
        """Callers whose faces are in no batch yet."""
        return len(self._waiting) + len(self._in_background)

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        """Raises Busy, and what the network raises."""
        count = len(faces[0])
        if count == 0:
            return np.empty((0, self.card.dimension), np.float32)
        in_background = is_in_background()
        size = self._background_batch if in_background else count
        requests = [
            _Request(tuple(of_template[start : start + size] for of_template in faces))
            for start in range(0, count, size)
        ]
        with self._changed:
            if self._closed:  # a request that comes later would never be answered
                raise Busy("the service is shutting down")
            if in_background:
                self._in_background.extend(requests)
            elif self._max_waiting is not None and len(self._waiting) >= self._max_waiting:
                raise Busy("too many faces are waiting to be embedded")
            else:
                self._waiting.extend(requests)
            self._changed.notify(len(requests))
        return np.concatenate([request.done.result() for request in requests])

    def close(self) -> None:
        """Serves the waiting callers and ends; later callers get Busy."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while batch := self._next_batch():
            self._serve(batch)

    def _next_batch(self) -> list[_Request]:
        """Empty at the end."""
        with self._changed:
            while not self._waiting and not self._in_background:
                if self._closed:
                    return []
                self._changed.wait()
            queue, most = (
                (self._waiting, self._max_batch)
                if self._waiting
                else (self._in_background, self._background_batch)
            )
            batch = [queue.popleft()]
            another_is_free = self._in_network < len(self._threads) - 1
            while queue and not another_is_free and sum(request.count for request in batch) < most:
                batch.append(queue.popleft())
            self._in_network += 1
            return batch

    def _serve(self, batch: list[_Request]) -> None:
        try:
            by_template = zip(*(request.faces for request in batch), strict=True)
            vectors = self._run_network([np.concatenate(faces) for faces in by_template])
        except BaseException as error:  # the callers wait, whatever happened
            for request in batch:
                request.done.set_exception(error)
            return
        finally:
            with self._changed:
                self._in_network -= 1
        start = 0
        for request in batch:
            request.done.set_result(vectors[start : start + request.count])
            start += request.count

    def _run_network(self, by_template: Sequence[NDArray[np.uint8]]) -> Vectors:
        return np.concatenate(
            [
                self._embedder.embed(*(faces[start : start + self._max_batch] for faces in by_template))
                for start in range(0, len(by_template[0]), self._max_batch)
            ]
        )
