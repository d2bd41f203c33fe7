"""The thread of a serving process that imports uploaded exports. Of several processes, one works on each."""

import logging
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

from indexer.embedding import requested
from indexer.embedding.card import ModelCard
from indexer.errors import GemelError, InvalidRequest, LeaseLost, Unavailable
from indexer.records.database.session import Database, Session
from indexer.records.tables import Transfer
from indexer.records.transfer import jobs, leases
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.transfer import importer
from indexer.transfer.uploaded import UploadedImport, fail
from indexer.usecases.bootstrap import Engine

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
HEARTBEAT_SECONDS = 10.0
EXPIRY_SECONDS = 600.0


class TransferWorker:
    """`start` it, and `close` it with the process: what it has claimed is given back, or its lease ends."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        self._engine = engine
        self._settings = settings
        self._working = threading.Event()
        self._expired_at: float | None = None
        self._thread = Supervised("transfer", self._turn, every_seconds=POLL_SECONDS)
        self._lease = Supervised("transfer lease", self._extend_lease, every_seconds=HEARTBEAT_SECONDS)

    def start(self) -> None:
        for thread in (self._thread, self._lease):
            thread.start()

    def wake(self) -> None:
        """An export is complete, or was cancelled."""
        self._thread.wake()

    def close(self) -> None:
        self._thread.close(self._give_back)
        self._lease.close()

    def model(self, name: str | None) -> ModelCard | None:
        """The card of the model that a client requests by name. Raises InvalidRequest."""
        if name is None:
            return None
        settings = self._settings
        return requested.model(name, mirror=settings.mirror, folder=settings.models_dir, field="model")

    def _turn(self) -> None:
        while not self._thread.closing:
            with self._engine.database.transaction() as session:
                job = leases.claim(session, self.name)
            if job is None:
                break
            self._run(job)
        self._clean_up()

    def _run(self, job: Transfer) -> None:
        self._working.set()
        try:
            try:
                card = self.model(job.model)
            except InvalidRequest as error:
                fail(self._engine.database, job.id, self.name, error)
                return
            UploadedImport(
                database=self._engine.database,
                models=self._engine.index_store.models,
                weight_store=self._engine.weight_store,
                pipeline=self._engine.pipelines.for_card,
                worker=self.name,
                job=job,
                card=card,
            ).run()
        except LeaseLost as error:  # cancelled, or another worker has it
            log.info("transfer %s: %s", job.id, error)
            self._remove_aside_of_ended(job)
        except BaseException as error:
            self._give_back(tried=not isinstance(error, Unavailable))
            raise
        finally:
            self._working.clear()

    def _remove_aside_of_ended(self, job: Transfer) -> None:
        """Another process may have cleaned up before this one created the gallery."""
        with self._engine.database.transaction(long=True) as session:
            found = jobs.get(session, job.gallery, job.id, lock=True)
            if found.state in ("cancelled", "failed"):
                _remove_aside(session, found)

    def _clean_up(self) -> None:
        while not self._thread.closing and remove_leftovers(self._engine.database):
            pass
        if self._expired_at is None or time.monotonic() - self._expired_at > EXPIRY_SECONDS:
            with self._engine.database.transaction(long=True) as session:
                jobs.expire(session, timedelta(days=self._settings.import_days))
            self._expired_at = time.monotonic()

    def _extend_lease(self) -> None:
        if self._working.is_set():
            with self._engine.database.transaction() as session:
                leases.extend(session, self.name)

    def _give_back(self, *, tried: bool = False) -> None:
        """An import in progress ends at its next step: it has lost its lease."""
        if self._working.is_set():
            with suppress(GemelError), self._engine.database.transaction() as session:
                leases.release(session, self.name, tried=tried)


def remove_leftovers(database: Database) -> bool:
    """Deletes what one transfer that has ended has left: its files, and half a gallery. Returns whether
    there was one."""
    with database.transaction(long=True) as session:
        job = jobs.ended_with_files(session)
        if job is None:
            return False
        if job.state != "done":
            _remove_aside(session, job)
        jobs.drop_files(session, job.id)
    return True


def _remove_aside(session: Session, job: Transfer) -> None:
    """Unless another transfer of the same export goes on with it."""
    digest = bytes(job.manifest_sha256)
    if not job.into_existing and not jobs.is_being_imported(session, job.gallery, digest):
        importer.remove_aside(session, job.gallery, digest.hex())
