"""A few threads own the network; callers queue, and the faces of those that wait become one batch.

This bounds the network's threads (each thread that calls torch would start a pool of its own), and keeps a
GPU busy under load. It never waits for more callers: a single caller is served at once, and no caller joins
the batch of another while a thread is free.
"""

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
        self, embedder: Embedder, *, max_batch: int, max_waiting: int | None, threads: int = 1
    ) -> None:
        """`max_batch`: faces in one batch. `max_waiting`: callers in the queue; the next one gets Busy;
        None: no limit. `threads`: batches at once."""
        self._embedder = embedder
        self._max_batch = max_batch
        self._waiting: queue.Queue[_Request | None] = queue.Queue(max_waiting or 0)
        self._submitting = threading.Lock()
        self._closed = False
        self._in_network = 0
        """Threads that run the network."""
        self._counting = threading.Lock()
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
        return self._waiting.qsize()

    def embed(self, *faces: NDArray[np.uint8]) -> Vectors:
        """Raises Busy, and what the network raises."""
        request = _Request(faces)
        if request.count == 0:
            return np.empty((0, self.card.dimension), np.float32)
        with self._submitting:
            if self._closed:
                raise Busy("the service is shutting down")
            try:
                self._waiting.put_nowait(request)
            except queue.Full:
                raise Busy("too many faces are waiting to be embedded") from None
        return request.done.result()

    def close(self) -> None:
        """Serves the waiting callers and ends; later callers get Busy."""
        with self._submitting:  # a request behind the end marker would never be answered
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        ending = False
        while not ending:
            request = self._waiting.get()
            batch: list[_Request] = []
            while request is not None:
                batch.append(request)
                another_is_free = self._in_network < len(self._threads) - 1
                if another_is_free or sum(r.count for r in batch) >= self._max_batch:
                    break
                try:
                    request = self._waiting.get_nowait()
                except queue.Empty:
                    break
            ending = request is None
            if batch:
                self._serve(batch)
        self._waiting.put(None)  # for the next thread

    def _serve(self, batch: list[_Request]) -> None:
        try:
            by_template = zip(*(request.faces for request in batch), strict=True)
            vectors = self._run_network([np.concatenate(faces) for faces in by_template])
        except BaseException as error:  # the callers wait, whatever happened
            for request in batch:
                request.done.set_exception(error)
            return
        start = 0
        for request in batch:
            request.done.set_result(vectors[start : start + request.count])
            start += request.count

    def _run_network(self, by_template: Sequence[NDArray[np.uint8]]) -> Vectors:
        with self._counting:
            self._in_network += 1
        try:
            return np.concatenate(
                [
                    self._embedder.embed(*(faces[start : start + self._max_batch] for faces in by_template))
                    for start in range(0, len(by_template[0]), self._max_batch)
                ]
            )
        finally:
            with self._counting:
                self._in_network -= 1
