"""The thread of a serving process that keeps the builder of shards running, and sends it the settings."""

import logging
from typing import Any

import ray

from indexer.cluster.connection import RayConnection
from indexer.cluster.nodes import SHARD_RESOURCE
from indexer.cluster.session import Session, SessionEnded
from indexer.cluster.shards.builder import Builder, BuilderOptions
from indexer.embedding.card import ModelCard
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
ANSWER_SECONDS = 10.0


class BuilderWatch:
    """Starts at once; `close` it."""

    THREADS = 1

    def __init__(self, connection: RayConnection, options: BuilderOptions) -> None:
        self._connection = connection
        self._options = options
        self._cards: dict[str, ModelCard] = {}
        self._handle: Any = None
        self._found_in: Session | None = None
        """The session of the handle."""
        self._problem: str | None = None
        self._thread = Supervised("shard set builder", self._turn, every_seconds=EVERY_SECONDS)
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """Why shards are not created or replaced, in words. Takes no lock."""
        return self._problem or self._thread.problem

    def learn(self, card: ModelCard) -> None:
        """Tell the builder from now on that galleries are searched by this model."""
        self._cards[card.fingerprint] = card

    def close(self) -> None:
        self._thread.close()

    def _turn(self) -> None:
        if not self._connection.connected or self._connection.problem is not None:
            self._problem = self._connection.problem
            return  # without a head nothing can be placed
        try:
            session = self._connection.session
            with session.used():
                self._configure(session)
        except SessionEnded:
            self._problem = self._connection.problem  # which the log has already

    def _configure(self, session: Session) -> None:
        if self._handle is None or self._found_in is not session:
            self._found_in = session
            self._handle = _builder()
        call = self._handle.configure.remote(self._options, dict(self._cards))
        if not session.wait([call], ANSWER_SECONDS):
            self._problem = "the builder of shards does not answer"
            return
        try:
            self._problem = session.get(call)
        except ray.exceptions.RayActorError as error:
            self._problem = "the builder of shards has ended, and starts again"
            if isinstance(error, ray.exceptions.ActorDiedError):
                self._handle = None


def _builder() -> Any:
    """Of the whole Ray cluster: it is started if need be."""
    actor: Any = ray.remote(Builder)
    return actor.options(
        name="builder",
        get_if_exists=True,
        lifetime="detached",
        num_cpus=0,
        resources={SHARD_RESOURCE: 1.0},
        max_restarts=-1,
        max_task_retries=0,
    ).remote()
