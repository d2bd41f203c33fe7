"""One of any number of processes that work on the re-index jobs of a database.

What a worker has in hand is leased: it says every few seconds that it lives, and what a killed one held
is taken over when its lease has run out. Recording is fenced by the lease and leaves alone what is there.
"""

import logging
import os
import secrets
import socket
import sys
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
from indexer.jobs.reindex import embedding, steps
from indexer.jobs.reindex.comparing import compare
from indexer.jobs.reindex.embedding import Taken
from indexer.recognition import sweeping
from indexer.recognition.cameras import Eye
from indexer.recognition.interruptible import InterruptiblePool
from indexer.recognition.opening import Opener
from indexer.recognition.reindex.switching import CHUNK
from indexer.recognition.supervision import Supervised
from indexer.records import calibrations, reindexes
from indexer.records.models import Reindex
from indexer.records.notices import announce
from indexer.records.reindexes import Job

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
IDLE_SECONDS = 1.0
MOST_ATTEMPTS = 5
"""On one chunk, by whichever workers, before its job stops and says so."""


class Worker:
    """`run` it in one thread; others may tell it to stop."""

    def __init__(
        self, opener: Opener, eye: Eye, *, only: Collection[UUID] | None = None, decoders: int = 2
    ) -> None:
        """`only`: the jobs that it works on; by default all."""
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._opener = opener
        self._database = opener.database
        self._eye = eye
        self._only = only
        self._unfit: dict[UUID, str] = {}
        """Jobs whose model cannot be opened here, and why."""
        self._turns = InterruptiblePool(1, "work")
        self._ahead = InterruptiblePool(1, "ahead")
        self._recorder = InterruptiblePool(1, "record")
        self._decoders = ThreadPoolExecutor(decoders, thread_name_prefix="decode")
        self._stopping = threading.Event()
        self._woken = threading.Event()
        """When a turn is over, or it is to stop."""
        self._interrupted = False
        """Whether it may hold what nobody in it is working on."""

    def stop(self) -> None:
        """It ends within seconds, whatever it is at, with what it has in hand given back."""
        self._stopping.set()
        self._woken.set()

    def run(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Until `stop`, or `until` says so where there is nothing to do for the moment."""
        heart = Supervised("heartbeat", self._beat, every_seconds=HEARTBEAT_SECONDS)
        try:
            while not self._stopping.is_set():
                if self._outcome(self._turns.submit(self._turn, until)):
                    return
        finally:
            self._stopping.set()
            heart.close()
            for pool in (self._turns, self._ahead, self._recorder):
                if not pool.close():
                    log.warning("a step is left in the midst of its work")
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
                return False
            if until():
                return True
        except Unavailable as error:
            log.warning("it goes on when PostgreSQL answers: %s", error)
            self._interrupted = True
        except ReindexNotFound as error:
            log.warning("the gallery was deleted, and its job with it: %s", error)
            self._interrupted = True
        except Exception:
            log.exception("unforeseen; what was in hand is given back, and it goes on")
            self._interrupted = True
        self._stopping.wait(IDLE_SECONDS)
        return False

    def _beat(self) -> None:
        with self._database.transaction() as session:
            reindexes.renew_leases(session, self.name)

    def _let_go(self, *, ending: bool = False) -> None:
        """What it holds is anybody's, its own again too."""
        with self._database.transaction() as session:
            reindexes.release_chunks(session, self.name, as_if_untried=ending)
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

    def _take(self) -> Taken | None:
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
            camera = self._eye.camera(self._opener.models.numbered(job.row.to_model_id))
        except Misconfigured as error:
            self._give_up(job.row.id, error)
            return self._take()
        try:
            return embedding.take(self._database, self._decoders, chunk, job, camera)
        except GemelError:
            raise
        except Exception as error:
            self._fail(job, f"chunk {chunk.number} cannot be read: {error}")
            return self._take()

    def _vectors(self, taken: Taken) -> dict[int, bytes] | None:
        """None where the network itself failed."""
        try:
            return embedding.vectors(taken)
        except Exception as error:  # of torch, of the ONNX runtime
            self._fail(taken.job, f"the network failed: {error}")
            return None

    def _record(self, taken: Taken, vectors: dict[int, bytes]) -> None:
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
            jobs = reindexes.open_ones(session, *reindexes.LIVE)
        for job in jobs:
            if job.row.id in self._unfit or (self._only is not None and job.row.id not in self._only):
                continue
            try:
                changed |= self._cover(job) or (job.row.state == "active" and self._cover_the_way_back(job))
            except Misconfigured as error:
                self._give_up(job.row.id, error)
            except GemelError:
                raise
            except Exception as error:
                self._fail(job, f"{job.row.state}: {error}")
        return changed

    def _cover(self, job: Job) -> bool:
        with self._database.transaction() as session:
            row = reindexes.lock(session, job.row.id)
            if row.state != job.row.state or reindexes.unfinished(session, row.id):
                return False
            after = 0 if row.state == "embedding" else int(row.plan["last_key"])
            if reindexes.cut(session, row, CHUNK, after=after):
                return True
            if row.state != "embedding":
                return False
            row.state = "building"
            reindexes.note(session, row.id, "all faces are embedded")
            return True

    def _cover_the_way_back(self, job: Job) -> bool:
        """What a process without the old model has enrolled since the switch lacks its embedding."""
        model, after = job.row.from_model_id, int(job.row.plan["last_key"])
        with self._database.reading() as session:
            crops = reindexes.crops_without(session, job.gallery.id, model, after=after, at_most=CHUNK)
        if not crops:
            return False
        camera = self._eye.camera(self._opener.models.numbered(model))
        vectors, problems = embedding.embed(self._decoders, crops, camera)
        with self._database.transaction() as session:
            reindexes.record(session, model, vectors, problems)
        return True

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
            self._back_to_embedding(job, error.message)
        except Exception as error:
            self._fail(job, f"{job.row.state}: {error}")
        return True

    def _back_to_embedding(self, job: Job, why: str) -> None:
        """Faces were enrolled meanwhile by a process that could not embed them with the new model."""
        with self._database.transaction() as session:
            row = self._mine(reindexes.lock(session, job.row.id), job.row.state)
            if row is not None:
                row.state, row.worker, row.leased_until = "embedding", None, None
                reindexes.note(session, row.id, f"back to embedding: {why}")

    def _build(self, job: Job) -> None:
        verified = steps.build(self._opener, job)
        with self._database.transaction() as session:
            row = self._mine(reindexes.lock(session, job.row.id), "building")
            if row is not None:
                row.verified, row.state, row.worker, row.leased_until = verified, "comparing", None, None
                built = f"index {verified['generation']} is built and equal: {verified['count']} faces"
                reindexes.note(session, row.id, built)
                return
        sweeping.remove_unwanted(self._database, self._opener.root, job.gallery, job.to_model)

    def _compare(self, job: Job) -> None:
        comparison = compare(self._database, job)
        calibration, said = steps.calibrate(self._opener, job)
        with self._database.transaction() as session:
            row = self._mine(reindexes.lock(session, job.row.id), "comparing")
            if row is not None:
                row.comparison, row.state, row.worker, row.leased_until = comparison, "ready", None, None
                failed = [gate["gate"] for gate in comparison["gates"] if not gate["passed"]]
                verdict = f"not passed: {', '.join(failed)}" if failed else "all gates are passed"
                reindexes.note(session, row.id, f"compared; {verdict}")
                if calibration is not None:
                    calibrations.add(
                        session,
                        gallery_id=job.gallery.id,
                        model_id=job.row.to_model_id,
                        source="gallery",
                        parameters=calibration.to_json(),
                    )
                reindexes.note(session, row.id, said)
                announce(session, job.gallery.id)

    def _clean(self, job: Job) -> None:
        steps.clean(self._opener, job)
        ended, whose = ("done", "old") if job.row.state == "cleaning" else ("cancelled", "new")
        with self._database.transaction() as session:
            row = self._mine(reindexes.lock(session, job.row.id), job.row.state)
            if row is not None:
                row.state, row.worker, row.leased_until = ended, None, None
                reindexes.note(session, row.id, f"the embeddings of the {whose} model are gone")
                announce(session, job.gallery.id)

    def _mine(self, row: Reindex, state: str) -> Reindex | None:
        """The job, if nobody has taken it on or away meanwhile."""
        return row if row.state == state and row.worker == self.name else None

    def _give_up(self, job_id: UUID, error: GemelError) -> None:
        """Here alone: a worker that has the model may take it."""
        log.error("re-index %s cannot be worked on here: %s", job_id, error)
        self._unfit[job_id] = error.message
        self._interrupted = True

    def _fail(self, job: Job, problem: str) -> None:
        """For everybody, until an operator resumes it. Call it where an error is being handled, if any.

        A job that has gone on meanwhile, cancelled by an operator or taken over, is no longer this worker's
        to stop: what was being done for it has failed because of that.
        """
        self._interrupted = True
        with self._database.transaction() as session:
            row = reindexes.lock(session, job.row.id)
            if row.state != job.row.state or row.worker != job.row.worker:
                log.info("re-index %s: given up, since it is %s by now: %s", row.id, row.state, problem)
                return
            log.error("re-index %s is stopped: %s", row.id, problem, exc_info=sys.exc_info()[0] is not None)
            row.problem, row.worker, row.leased_until = problem[:1000], None, None
            reindexes.note(session, row.id, f"stopped: {problem[:1000]}")
