"""What one worker has claimed, and which jobs it may claim.

A claim is a lease in the database. The worker renews its leases every few seconds; those of a worker that
was killed expire, and another worker claims the work.
"""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Collection
from uuid import UUID

from indexer.errors import GemelError
from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.reindexes import Job
from indexer.records.tables import ReindexChunk
from indexer.reindex import transitions

log = logging.getLogger(__name__)


class Claims:
    """Safe to call from several threads."""

    def __init__(self, database: Database, *, only: Collection[UUID] | None = None) -> None:
        """`only`: the jobs that may be claimed; by default all."""
        self.worker = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        """The worker's name in the database."""
        self._database = database
        self._only = only
        self._lock = threading.Lock()
        self._skipped: set[UUID] = set()
        self._abandoned = False

    def chunk(self) -> tuple[ReindexChunk, Job] | None:
        """Claims the next chunk."""
        with self._database.transaction() as session:
            chunk = reindexes.claim_chunk(session, self.worker, self._skipped_jobs(), self._only)
            return None if chunk is None else (chunk, reindexes.get(session, chunk.reindex_id))

    def step(self) -> Job | None:
        """Claims a job whose next step one worker does alone."""
        with self._database.transaction() as session:
            job_id = reindexes.claim_step(session, self.worker, self._skipped_jobs(), self._only)
            return None if job_id is None else reindexes.get(session, job_id)

    def live_jobs(self) -> list[Job]:
        """Jobs whose faces are embedded with both models and that this worker may work on."""
        with self._database.reading() as session:
            jobs = reindexes.runnable(session, *reindexes.LIVE)
        skipped = self._skipped_jobs()
        return [j for j in jobs if j.row.id not in skipped and (self._only is None or j.row.id in self._only)]

    def renew_leases(self) -> None:
        with self._database.transaction() as session:
            reindexes.renew_leases(session, self.worker)

    def abandon(self) -> None:
        """After an error: nothing in this process may be working on what is claimed."""
        with self._lock:
            self._abandoned = True

    def release_abandoned(self) -> None:
        with self._lock:
            abandoned = self._abandoned
        if abandoned:
            self.release()

    def release(self, *, ending: bool = False) -> None:
        """`ending`: the worker is stopping, which does not count as an attempt at its chunks."""
        with self._database.transaction() as session:
            reindexes.release_leases(session, self.worker, as_if_untried=ending)
        with self._lock:
            self._abandoned = False

    def skip(self, job: Job, error: GemelError) -> None:
        """This worker claims no more of the job, because it cannot open a model. Another worker may."""
        log.error("this worker cannot work on re-index %s: %s", job.row.id, error)
        with self._lock:
            self._skipped.add(job.row.id)
            self._abandoned = True

    def stop(self, job: Job, problem: str) -> None:
        """Stops the job for every worker; see `transitions.stop`."""
        self.abandon()
        with self._database.transaction() as session:
            transitions.stop(session, job, problem)

    def _skipped_jobs(self) -> set[UUID]:
        with self._lock:
            return set(self._skipped)
