"""One of any number of processes that work on the re-index jobs of a database.

What a worker has in hand is leased: it says every few seconds that it lives, and what a killed one held
is taken over when its lease has run out. Recording is fenced by the lease and leaves alone what is there.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
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
from indexer.records import reindexes
from indexer.records.reindexes import Job
from indexer.reindex import embed, missing, outcomes, steps
from indexer.reindex.compare import compare
from indexer.reindex.embed import Work
from indexer.replica import sweep
from indexer.replica.store import IndexStore
from indexer.replica.threads.interruptible import InterruptiblePool, close_all
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
IDLE_SECONDS = 1.0
MOST_PAUSE_SECONDS = 15.0
"""Between two turns that fail."""
MOST_ATTEMPTS = 5
"""On one chunk, by whichever workers, before its job stops and says so."""


class Worker:
    """`run` it in one thread; others may tell it to stop."""

    def __init__(
        self,
        index_store: IndexStore,
        factory: PipelineFactory,
        *,
        only: Collection[UUID] | None = None,
        decoders: int = 2,
    ) -> None:
        """`only`: the jobs that it works on; by default all."""
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._index_store = index_store
        self._database = index_store.database
        self._eye = factory
        self._only = only
        self._unfit: dict[UUID, str] = {}
        """Jobs whose model cannot be opened here, and why."""
        self._no_way_back: set[UUID] = set()
        """Jobs whose old model cannot be opened here."""
        self._turns = InterruptiblePool(1, "work")
        self._ahead = InterruptiblePool(1, "ahead")
        self._recorder = InterruptiblePool(1, "record")
        self._decoders = ThreadPoolExecutor(decoders, thread_name_prefix="decode")
        self._stopping = threading.Event()
        self._woken = threading.Event()
        """When a turn is over, or it is to stop."""
        self._troubles = 0
        """Turns in a row that failed."""
        self._interrupted = False
        """Whether it may hold what nobody in it is working on."""

    def stop(self) -> None:
        """It ends within seconds, whatever it is at, with what it has in hand given back."""
        self._stopping.set()
        self._woken.set()

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Until `stop`, or `until` says so where there is nothing to do for the moment."""
        heart = Supervised("heartbeat", self._beat, every_seconds=HEARTBEAT_SECONDS)
        heart.start()
        try:
            while not self._stopping.is_set():
                if self._outcome(self._turns.submit(self._turn, until)):
                    return
        finally:
            self._stopping.set()
            heart.close()
            if not close_all(self._turns, self._ahead, self._recorder):
                log.warning("a step does not end in time; the worker ends without waiting for it")
            self._decoders.shutdown(cancel_futures=True)
            try:
                self._let_go(ending=True)
            except Exception as error:
                log.warning("what was in hand is free when its lease has run out: %s", error)

    def _outcome(self, turn: "Future[bool]") -> bool:
        """Of the turn; False as soon as it is to stop."""
        turn.add_done_callback(lambda _: self._woken.set())
        self._woken.wait()
        if self._stopping.is_set():
            return False
        self._woken.clear()
        return turn.result()

    def _turn(self, until: Callable[[], bool]) -> bool:
        """Does what there is to do, or rests for a moment. True where it is over, as `until` says."""
        try:
            if self._interrupted:
                self._let_go()
            if self._embed() or self._step() or self._close_embedding():
                self._troubles = 0
                return False
            self._troubles = 0
            if until():
                return True
        except Exception as error:
            self._interrupted = True
            self._troubles += 1
            self._note(error)
        pause = IDLE_SECONDS * 2 ** max(0, min(self._troubles, 10) - 1)
        self._stopping.wait(min(pause, MOST_PAUSE_SECONDS))
        return False

    def _note(self, error: Exception) -> None:
        """Of a turn. What it had in hand is given back, and it goes on."""
        if isinstance(error, Unavailable):
            log.warning("it goes on when PostgreSQL answers: %s", error)
        elif isinstance(error, ReindexNotFound):
            log.warning("the gallery was deleted, and its job with it: %s", error)
        else:
            log.error("an unforeseen error, after which the worker tries again: %s", error, exc_info=error)

    def _beat(self) -> None:
        with self._database.transaction() as session:
            reindexes.renew_leases(session, self.name)

    def _let_go(self, *, ending: bool = False) -> None:
        """What it holds is anybody's, its own again too."""
        with self._database.transaction() as session:
            reindexes.release_leases(session, self.name, as_if_untried=ending)
        self._interrupted = False

    def _embed(self) -> bool:
        """All chunks there are: while one is embedded, the next is read and the last one written."""
        try:
            return self._embed_all()
        except Exception:
            self._ahead.submit(lambda: None).result()  # nothing is claimed any more once this is over
            raise

    def _embed_all(self) -> bool:
        any_done = False
        coming = self._ahead.submit(self._take)
        recording: Future[None] | None = None
        while (taken := coming.result()) is not None and not self._stopping.is_set():
            coming = self._ahead.submit(self._take)
            any_done = True
            vectors = self._vectors(taken)
            if recording is not None:
                recording.result()
            if vectors is not None:
                recording = self._recorder.submit(self._record, taken, vectors)
        if recording is not None:
            recording.result()
        return any_done

    def _take(self) -> Work | None:
        if self._stopping.is_set():
            return None
        with self._database.transaction() as session:
            chunk = reindexes.claim_chunk(session, self.name, self._unfit, self._only)
            if chunk is None:
                return None
            job = reindexes.get(session, chunk.reindex_id)
        if chunk.attempts > MOST_ATTEMPTS:
            self._fail(job, f"chunk {chunk.number} was given up {MOST_ATTEMPTS} times")
            return self._take()
        try:
            pipeline = self._eye.pipeline(self._index_store.models.by_number(job.row.to_model_id))
        except Misconfigured as error:
            self._give_up(job.row.id, error)
            return self._take()
        try:
            return embed.take(self._database, self._decoders, chunk, job, pipeline)
        except GemelError:
            raise
        except Exception as error:
            self._fail(job, f"chunk {chunk.number} cannot be read: {error}")
            return self._take()

    def _vectors(self, taken: Work) -> dict[int, bytes] | None:
        """None where the network itself failed."""
        try:
            return embed.vectors(taken)
        except Exception as error:  # of torch, of the ONNX runtime
            self._fail(taken.job, f"the network failed: {error}")
            return None

    def _record(self, taken: Work, vectors: dict[int, bytes]) -> None:
        job, chunk = taken.job.row, taken.chunk
        try:
            with self._database.transaction() as session:
                mine = reindexes.finish_chunk(
                    session, chunk, self.name, job.to_model_id, vectors, taken.problems
                )
        except GemelError:
            raise
        except Exception as error:
            self._fail(taken.job, f"chunk {chunk.number} cannot be recorded: {error}")
        else:
            if not mine:
                log.warning("chunk %d took too long and is another's now", chunk.number)

    def _close_embedding(self) -> bool:
        """Faces that no chunk has covered get one; where there are none, the next step is due."""
        changed = False
        with self._database.reading() as session:
            jobs = reindexes.runnable(session, *reindexes.LIVE)
        for job in jobs:
            if job.row.id in self._unfit or (self._only is not None and job.row.id not in self._only):
                continue
            try:
                changed |= missing.queue(self._database, job) or self._embed_for_rollback(job)
            except GemelError:
                raise
            except Exception as error:
                self._fail(job, f"{job.row.state}: {error}")
        return changed

    def _embed_for_rollback(self, job: Job) -> bool:
        if job.row.state != "active" or job.row.id in self._no_way_back:
            return False
        try:
            return missing.embed_for_rollback(self._index_store, self._eye, self._decoders, job)
        except Misconfigured as error:
            log.error("re-index %s: the old model cannot be embedded with here: %s", job.row.id, error)
            self._no_way_back.add(job.row.id)
            return False

    def _step(self) -> bool:
        with self._database.transaction() as session:
            job_id = reindexes.claim_step(session, self.name, self._unfit, self._only)
            if job_id is None:
                return False
            job = reindexes.get(session, job_id)
        try:
            {
                "building": self._build,
                "comparing": self._compare,
                "cleaning": self._clean,
                "cancelling": self._clean,
            }[job.row.state](job)
        except (DatabaseUnavailable, Busy):
            raise
        except Misconfigured as error:
            self._give_up(job_id, error)
        except EmbeddingsMissing as error:
            with self._database.transaction() as session:
                outcomes.back_to_embedding(session, job, self.name, error.message)
        except Exception as error:
            self._fail(job, f"{job.row.state}: {error}")
        return True

    def _build(self, job: Job) -> None:
        verified = steps.build(self._index_store, job)
        with self._database.transaction() as session:
            if outcomes.built(session, job, self.name, verified):
                return
        sweep.remove_unwanted(self._database, self._index_store.root, job.gallery, job.to_model)

    def _compare(self, job: Job) -> None:
        comparison = compare(self._database, job)
        calibration, calibrated = steps.calibrate(self._index_store, job)
        with self._database.transaction() as session:
            outcomes.compared(session, job, self.name, comparison, calibration, calibrated)

    def _clean(self, job: Job) -> None:
        steps.clean(self._index_store, job)
        with self._database.transaction() as session:
            outcomes.cleaned(session, job, self.name)

    def _give_up(self, job_id: UUID, error: GemelError) -> None:
        """Here alone: a worker that has the model may take it."""
        log.error("re-index %s cannot be worked on here: %s", job_id, error)
        self._unfit[job_id] = error.message
        self._interrupted = True

    def _fail(self, job: Job, problem: str) -> None:
        """See `outcomes.stopped`."""
        self._interrupted = True
        with self._database.transaction() as session:
            outcomes.stopped(session, job, problem)
