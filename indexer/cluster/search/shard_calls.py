"""Calls of the actors of one set of shards."""

import threading
from concurrent.futures import CancelledError, Future
from typing import Any
from uuid import UUID

import ray

from indexer.cluster.connection import RayConnection
from indexer.cluster.search.requests import ShardRequest
from indexer.cluster.shards import placement
from indexer.records.tables import ShardSet
from indexer.types import Part

FIND_SECONDS = 0.5
"""How long a call waits for its actor to be found: without a head, Ray waits for one."""


class ShardCalls:
    """Safe to call from several threads. Actors are found once for each connection to the Ray cluster."""

    def __init__(self, connection: RayConnection, shard_set: ShardSet) -> None:
        self.id: UUID = shard_set.id
        self.parts: list[Part] = shard_set.parts
        self._connection = connection
        self._lock = threading.Lock()
        self._number = -1
        """Of the connection of the handles."""
        self._handles: dict[tuple[int, int], Future[Any]] = {}

    def ask(self, shard: int, copy: int, request: ShardRequest) -> Any:
        """Ray's reference to the answer. Raises ValueError where there is no such actor, TimeoutError,
        RayError."""
        try:
            method = self._handle(shard, copy).answer
        except CancelledError:
            raise TimeoutError("the process is stopping") from None
        if request.probes is None:
            method = method.options(concurrency_group=placement.CONTROL)
        return method.remote(request)

    def forget(self, shard: int, copy: int) -> None:
        """Finds the actor again for the next call."""
        with self._lock:
            self._handles.pop((shard, copy), None)

    def _handle(self, shard: int, copy: int) -> Any:
        with self._lock:
            if self._number != self._connection.number:
                self._number, self._handles = self._connection.number, {}
            found = self._handles.get((shard, copy))
            if found is None or (found.done() and found.exception() is not None):
                found = self._connection.lookups.submit(placement.find, self.id, shard, copy)
                self._handles[shard, copy] = found
        return found.result(FIND_SECONDS)


def is_dead(error: Exception) -> bool:
    """Whether the actor will never answer again: another one may have its name by now."""
    return isinstance(error, ray.exceptions.ActorDiedError)
