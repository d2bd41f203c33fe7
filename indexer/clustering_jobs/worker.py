"""The thread of a serving process that works on clusterings. Of several processes, one works on each."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from indexer.calibration.resolver import CalibrationResolver
from indexer.clustering_jobs.run import Run
from indexer.errors import GalleryNotFound, GemelError, LeaseLost
from indexer.pipeline.models import GalleryModels
from indexer.records.clusterings import jobs
from indexer.records.database.session import Database
from indexer.records.tables import Clustering
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 10.0


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"


class ClusteringWorker:
    """`start` it, and `close` it with the process: what it has claimed is given back, or its lease ends."""

    THREADS = 2
    """Each uses a connection."""

    def __init__(self, database: Database, models: GalleryModels, calibrations: CalibrationResolver) -> None:
        self.name = worker_name()
        self._database = database
        self._models = models
        self._calibrations = calibrations
        self._working = threading.Event()
        self._thread = Supervised("clustering", self._turn, every_seconds=POLL_SECONDS)
        self._lease = Supervised("clustering lease", self._extend_lease, every_seconds=HEARTBEAT_SECONDS)

    def start(self) -> None:
        for thread in (self._thread, self._lease):
            thread.start()

    def wake(self) -> None:
        """A clustering was created."""
        self._thread.wake()

    def close(self) -> None:
        self._thread.close(self._give_back)
        self._lease.close()

    def run_here(self, job: Clustering, observe: Callable[[Mapping[str, Any]], object]) -> None:
        """In the calling thread, of a worker that is not started; as `run`. `observe`: as of `Run`."""
        self._lease.start()
        try:
            self.run(job, observe)
        finally:
            self._lease.close()

    def run(self, job: Clustering, observe: Callable[[Mapping[str, Any]], object] = lambda _: None) -> None:
        """A clustering that this worker holds. Raises LeaseLost, GalleryNotFound, DatabaseUnavailable."""
        self._working.set()
        try:
            Run(
                database=self._database,
                models=self._models,
                calibrations=self._calibrations,
                worker=self.name,
                job=job,
                observe=observe,
            ).run()
        finally:
            self._working.clear()

    def _turn(self) -> None:
        while not self._thread.closing:
            with self._database.transaction() as session:
                job = jobs.claim(session, self.name)
            if job is None:
                return
            try:
                self.run(job)
            except (LeaseLost, GalleryNotFound) as error:  # cancelled, deleted, or another worker has it
                log.info("clustering %s: %s", job.id, error)
            except BaseException:
                self._give_back(tried=True)
                raise

    def _extend_lease(self) -> None:
        if self._working.is_set():
            with self._database.transaction() as session:
                jobs.renew_leases(session, self.name)

    def _give_back(self, *, tried: bool = False) -> None:
        """The run in progress ends at its next step: it has lost its lease."""
        if self._working.is_set() or tried:
            with suppress(GemelError), self._database.transaction() as session:
                jobs.release(session, self.name, tried=tried)
