"""A worker inside a serving process, so that a single machine needs no `gemel worker`.

It has networks and connections of its own, and one thread that embeds: searches come first. It opens the
networks when there is a job to work on, and closes them afterwards.
"""

import logging
import threading

from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.embedded import database_url
from indexer.reindex.worker import Worker
from indexer.replica.store import IndexStore
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings
from indexer.usecases.bootstrap import default_card, open_pipeline_factory
from indexer.usecases.bootstrap.connections import REINDEX_WORKER

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0


class BackgroundWorker:
    """`start` it, and `close` it with the process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(
            database_url(settings), pool_size=REINDEX_WORKER, audit=settings.audit == "on"
        )
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._thread = Supervised("re-index worker", self._turn, every_seconds=POLL_SECONDS)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._thread.close(self._stop)
        self._database.close()

    def _turn(self) -> None:
        if not self._has_work():
            return
        try:
            index_store = IndexStore.of(self._settings, self._database, default_card(self._settings))
            with open_pipeline_factory(self._settings, processes=self._settings.workers) as factory:
                worker = Worker(
                    index_store,
                    factory,
                    threads=1,
                    least_sharded_faces=self._settings.least_sharded_faces,
                )
                with self._lock:
                    self._worker = worker
                if self._thread.closing:
                    return
                log.info("worker %s begins", worker.name)
                worker.run(until=lambda: not self._has_work())
                log.info("worker %s ends", worker.name)
        finally:
            with self._lock:
                self._worker = None

    def _has_work(self) -> bool:
        with self._database.reading() as session:
            return bool(reindexes.runnable(session, *reindexes.LIVE, *reindexes.STEPS))

    def _stop(self) -> None:
        with self._lock:
            worker = self._worker
        if worker is not None:
            worker.stop()
