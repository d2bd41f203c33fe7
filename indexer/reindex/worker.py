"""One of any number of processes that work on a database's re-index jobs."""

import logging
import os
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future
from uuid import UUID

from indexer.errors import (
    Busy,
    DatabaseUnavailable,
    EmbeddingsMissing,
    GemelError,
    Misconfigured,
    ReindexNotFound,
    Unavailable,
)
from indexer.pipeline.pipelines import PipelineFactory
from indexer.records.reindexes import Job
from indexer.reindex import missing, steps, transitions
from indexer.reindex.chunks import ChunkEmbedder
from indexer.reindex.claims import Claims
from indexer.replica.store import IndexStore
from indexer.replica.threads.interruptible import InterruptiblePool, close_all
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
IDLE_SECONDS = 1.0
WAKE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 15.0
"""Between two turns that fail."""


class Worker:
    """Call `run` in one thread; any thread may call `stop`."""

    def __init__(
        self,
        index_store: IndexStore,
        factory: PipelineFactory,
        *,
        only: Collection[UUID] | None = None,
        threads: int | None = None,
        least_sharded_faces: int | None = None,
    ) -> None:
        """`only`: the jobs that it works on; by default all. `threads`: that embed; by default as many as
        there are cores. `least_sharded_faces`: as in the settings."""
        self._index_store = index_store
        self._database = index_store.database
        self._factory = factory
        self._claims = Claims(index_store.database, only=only)
        self._least_sharded_faces = least_sharded_faces
        self._threads = InterruptiblePool(threads or os.cpu_count() or 1, "embed")
        self._stopping = threading.Event()
        self._woken = threading.Event()
        """Set when a turn ends or the worker is to stop."""
        self._embedder = ChunkEmbedder(index_store, factory, self._claims, self._threads, self._stopping)
        self._turns = InterruptiblePool(1, "work")
        self._no_rollback: set[UUID] = set()
        """Jobs whose old model this process cannot open."""
        self._failures = 0
        """Of turns in a row."""

    @property
    def name(self) -> str:
        return self._claims.worker

    def stop(self) -> None:
        """The worker ends within seconds, whatever it is doing, and releases what it has claimed."""
        self._stopping.set()
        self._woken.set()

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Works until `stop`, or until `until` returns True when there is nothing to do."""
        heartbeat = Supervised("heartbeat", self._claims.renew_leases, every_seconds=HEARTBEAT_SECONDS)
        heartbeat.start()
        try:
            while not self._stopping.is_set():
                if self._result(self._turns.submit(self._turn, until)):
                    return
        finally:
            self._stopping.set()
            heartbeat.close()
            if not close_all(self._turns, self._threads, *self._embedder.pools):
                log.warning("a step does not end in time; the worker ends without it")
            try:
                self._claims.release(ending=True)
            except Exception as error:
                log.warning("cannot release the leases, they will expire: %s", error)

    def _result(self, turn: "Future[bool]") -> bool:
        """Of the turn; False as soon as the worker is to stop."""
        turn.add_done_callback(lambda _: self._woken.set())
        while not self._woken.wait(WAKE_SECONDS):
            pass  # Python handles a signal that came just before the wait when the wait ends
        if self._stopping.is_set():
            return False
        self._woken.clear()
        return turn.result()

    def _turn(self, until: Callable[[], bool]) -> bool:
        """Does what there is to do, or waits a moment. Returns whether `until` has ended the run."""
        try:
            self._claims.release_abandoned()
            worked = self._embedder.embed_all() or self._step() or self._embed_missing()
            self._failures = 0
            if worked:
                return False
            if until():
                return True
        except Exception as error:
            self._claims.abandon()
            self._failures += 1
            self._log_failure(error)
        pause = IDLE_SECONDS * 2 ** max(0, min(self._failures, 10) - 1)
        self._stopping.wait(min(pause, MAX_PAUSE_SECONDS))
        return False

    def _log_failure(self, error: Exception) -> None:
        if isinstance(error, Unavailable):
            log.warning("PostgreSQL is unavailable, the worker tries again: %s", error)
        elif isinstance(error, ReindexNotFound):
            log.warning("the gallery was deleted, and its re-index job with it: %s", error)
        else:
            log.error("unexpected error, the worker tries again: %s", error, exc_info=error)

    def _step(self) -> bool:
        """Does a step that one worker does alone. Returns False if there was none, or if it waits for
        shards."""
        job = self._claims.step()
        if job is None:
            return False
        try:
            if job.row.state == "building":
                return steps.build(
                    self._index_store, job, self.name, least_sharded_faces=self._least_sharded_faces
                )
            if job.row.state == "comparing":
                steps.compare(self._index_store, self._factory, job, self.name)
            else:  # cleaning, or cancelling
                steps.clean(self._index_store, job, self.name)
        except (DatabaseUnavailable, Busy):
            raise
        except Misconfigured as error:
            self._claims.skip(job, error)
        except EmbeddingsMissing as error:
            with self._database.transaction() as session:
                transitions.back_to_embedding(session, job, self.name, error.message)
        except Exception as error:
            self._claims.stop(job, f"{job.row.state}: {error}")
        return True

    def _embed_missing(self) -> bool:
        """Faces that no chunk covers; see `missing`. Returns whether anything changed."""
        changed = False
        for job in self._claims.live_jobs():
            try:
                changed |= missing.queue(self._database, job) or self._embed_for_rollback(job)
            except GemelError:
                raise
            except Exception as error:
                self._claims.stop(job, f"{job.row.state}: {error}")
        return changed

    def _embed_for_rollback(self, job: Job) -> bool:
        if job.row.state != "active" or job.row.id in self._no_rollback:
            return False
        try:
            return missing.embed_for_rollback(self._index_store, self._factory, self._threads, job)
        except Misconfigured as error:
            log.error("this worker cannot open the old model of re-index %s: %s", job.row.id, error)
            self._no_rollback.add(job.row.id)
            return False
