"""The thread of a serving process that works on jobs of galleries. One process works on each job."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from indexer.calibration.resolver import CalibrationResolver
from indexer.duplicates.sharded_pairs import Shards
from indexer.errors import DatabaseUnavailable, GalleryNotFound, GemelError, IndexNotReady, LeaseLost
from indexer.gallery_jobs.clustering.run import ClusteringRun
from indexer.gallery_jobs.clustering.undo import UndoRun
from indexer.gallery_jobs.duplicates import DuplicateSearchRun
from indexer.gallery_jobs.run import Run
from indexer.records.gallery_jobs import leases
from indexer.records.gallery_jobs.kinds import CLUSTERING, DUPLICATE_SEARCH
from indexer.records.tables import GalleryJob
from indexer.replica.store import IndexStore
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 10.0

_RUNS: dict[str, type[Run]] = {
    CLUSTERING.name: ClusteringRun,
    DUPLICATE_SEARCH.name: DuplicateSearchRun,
}


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class JobWorker:
    """`start` it, and `close` it with the process: what it has claimed is given back, or its lease ends."""

    THREADS = 2
    """Each uses a connection."""

    def __init__(
        self,
        index_store: IndexStore,
        calibrations: CalibrationResolver,
        *,
        shards: Shards | None = None,
        ended: Callable[[GalleryJob], object] = lambda _: None,
    ) -> None:
        """`shards`: of the Ray cluster, where there is one. `ended` is called with each job that this worker
        has ended."""
        self.name = worker_name()
        self._database = index_store.database
        self._index_store = index_store
        self._calibrations = calibrations
        self._shards = shards
        self._ended = ended
        self._working = threading.Event()
        self._closing = threading.Event()
        self._thread = Supervised("gallery jobs", self._turn, every_seconds=POLL_SECONDS)
        self._lease = Supervised("gallery jobs lease", self._extend_lease, every_seconds=HEARTBEAT_SECONDS)

    def start(self) -> None:
        for thread in (self._thread, self._lease):
            thread.start()

    def wake(self) -> None:
        """A job was created."""
        self._thread.wake()

    def close(self) -> None:
        self._closing.set()
        self._thread.close(self._give_back)
        self._lease.close()

    def run_here(self, job: GalleryJob, observe: Callable[[Mapping[str, Any]], object]) -> None:
        """In the calling thread, of a worker that is not started; as `run`. `observe`: as of `Run`."""
        self._lease.start()
        try:
            self.run(job, observe)
        finally:
            self._lease.close()

    def run(self, job: GalleryJob, observe: Callable[[Mapping[str, Any]], object] = lambda _: None) -> None:
        """A job that this worker holds. Raises LeaseLost, GalleryNotFound, DatabaseUnavailable,
        and IndexNotReady where shards do not answer for long."""
        self._working.set()
        try:
            run = (UndoRun if job.undo else _RUNS[job.kind])(
                index_store=self._index_store,
                calibrations=self._calibrations,
                worker=self.name,
                job=job,
                shards=self._shards,
                observe=observe,
                closing=self._closing,
            )
            self._ended(run.run())
        finally:
            self._working.clear()

    def _turn(self) -> None:
        while not self._thread.closing:
            with self._database.transaction() as session:
                job = leases.claim(session, self.name)
            if job is None:
                return
            if job.ended_at is None:
                self._try(job)
            else:  # it was tried too often
                self._ended(job)

    def _try(self, job: GalleryJob) -> None:
        try:
            self.run(job)
        except (LeaseLost, GalleryNotFound) as error:  # cancelled, deleted, or another worker has it
            log.info("%s %s: %s", job.kind, job.id, error)
        except (DatabaseUnavailable, IndexNotReady):  # not a try: the job is not the reason
            self._give_back(held=True)
            raise
        except BaseException:
            self._give_back(held=True, tried=True)
            raise

    def _extend_lease(self) -> None:
        if self._working.is_set():
            with self._database.transaction() as session:
                leases.extend(session, self.name)

    def _give_back(self, *, held: bool = False, tried: bool = False) -> None:
        """The run in progress ends at its next step: it has lost its lease."""
        if self._working.is_set() or held:
            with suppress(GemelError), self._database.transaction() as session:
                leases.release(session, self.name, tried=tried)
