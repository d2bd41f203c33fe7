"""Calls of the actors of one set of shards."""

import threading
from concurrent.futures import CancelledError, Future
from typing import Any
from uuid import UUID

import ray

from indexer.cluster.connection import RayConnection
from indexer.cluster.search.requests import ShardRequest
from indexer.cluster.session import Session, SessionEnded
from indexer.cluster.shards import placement
from indexer.records.tables import ShardSet
from indexer.types import Part

FIND_SECONDS = 0.5
"""How long a call waits for its actor to be found: without a head, Ray waits for one."""


class ShardCalls:
    """Safe to call from several threads. Actors are found once for each session."""

    def __init__(self, connection: RayConnection, shard_set: ShardSet) -> None:
        self.id: UUID = shard_set.id
        self.parts: list[Part] = shard_set.parts
        self._connection = connection
        self._lock = threading.Lock()
        self._found_in: Session | None = None
        """The session of the handles."""
        self._handles: dict[tuple[int, int], Future[Any]] = {}

    @property
    def session(self) -> Session:
        """That of calls that begin now. Raises SessionEnded."""
        return self._connection.session

    def ask(self, session: Session, shard: int, copy: int, request: ShardRequest) -> Any:
        """Ray's reference to the answer. Raises ValueError where there is no such actor, TimeoutError,
        SessionEnded, RayError. Within `session.used`."""
        try:
            method = self._handle(session, shard, copy).answer
        except CancelledError:
            raise SessionEnded from None
        if session.ended:
            raise SessionEnded
        if request.probes is None:
            method = method.options(concurrency_group=placement.CONTROL)
        return method.remote(request)

    def forget(self, shard: int, copy: int) -> None:
        """Finds the actor again for the next call."""
        with self._lock:
            self._handles.pop((shard, copy), None)

    def _handle(self, session: Session, shard: int, copy: int) -> Any:
        with self._lock:
            if self._found_in is not session:
                self._found_in, self._handles = session, {}
            found = self._handles.get((shard, copy))
            if found is None or (found.done() and found.exception() is not None):
                if self._connection.problem is not None:
                    raise TimeoutError("the head of the Ray cluster does not answer")
                found = self._handles[shard, copy] = session.find(placement.actor_name(self.id, shard, copy))
        return found.result(FIND_SECONDS)


def is_dead(error: Exception) -> bool:
    """Whether the actor will never answer again: another one may have its name by now."""
    return isinstance(error, ray.exceptions.ActorDiedError)
