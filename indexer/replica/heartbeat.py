"""The threads of a serving process that register it in PostgreSQL and report its indexes and errors there."""

import logging
import os
import socket
from importlib.metadata import version
from uuid import UUID

from indexer.errors import GemelError
from indexer.recent_errors import RecentErrors
from indexer.records import logged_errors, replicas
from indexer.records.database.session import Database
from indexer.records.replicas import StatusReport
from indexer.replica.cache import IndexCache
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 2.0
REPORT_SECONDS = 1.0
"""Between two reports."""


class Heartbeat:
    """One thread says that the process lives, another reports each index: an index that does not answer must
    not make the process seem dead."""

    THREADS = 2

    def __init__(
        self,
        database: Database,
        index_cache: IndexCache,
        errors: RecentErrors | None = None,
        *,
        shard_set_id: UUID | None = None,
    ) -> None:
        """Starts at once, whether PostgreSQL answers or not; `close` it. `shard_set_id`: of a process that
        holds a shard, and does not serve."""
        self._database = database
        self._shard_set_id = shard_set_id
        self._errors = errors or RecentErrors()
        self._index_cache = index_cache
        self._process_id: UUID | None = None
        self._reported: dict[tuple[UUID, str], StatusReport] = {}
        """By gallery and model."""
        self._reported_as: UUID | None = None
        """The process id of these reports."""
        self._heartbeat = Supervised("heartbeat", self._beat, every_seconds=HEARTBEAT_SECONDS)
        self._reporting = Supervised("report", self._report, every_seconds=REPORT_SECONDS)
        for thread in (self._heartbeat, self._reporting):
            thread.start()

    @property
    def problem(self) -> str | None:
        """Why the process may count as dead, in words. Takes no lock: it answers at any time."""
        return self._heartbeat.problem

    def close(self) -> None:
        for thread in (self._reporting, self._heartbeat):
            thread.close()
        self._store_errors()
        if self._process_id is not None:
            try:
                with self._database.transaction() as session:
                    replicas.unregister(session, self._process_id)
            except GemelError as error:
                log.warning("cannot sign off this process, which counts as dead soon: %s", error)

    def _beat(self) -> None:
        with self._database.transaction() as session:
            if self._process_id is None or not replicas.heartbeat(session, self._process_id):
                self._process_id = replicas.register(
                    session,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    version=version("gemel"),
                    shard_set_id=self._shard_set_id,
                )

    def _report(self) -> None:
        """What has changed since the last report."""
        self._store_errors()
        process_id = self._process_id
        if process_id is None:
            return
        known = self._reported if self._reported_as == process_id else {}
        reports = {(report.gallery_id, report.model): report for report in self._index_cache.reports()}
        changed = [report for key, report in reports.items() if known.get(key) != report]
        with self._database.transaction() as session:
            if not replicas.report(session, process_id, changed, known.keys() - reports.keys()):
                return  # it counted as dead, and registers again with its next heartbeat
        self._reported, self._reported_as = reports, process_id

    def _store_errors(self) -> None:
        """Raises nothing: errors that cannot be stored now are stored later, or only in the log."""
        entries = self._errors.take()
        if not entries:
            return
        try:
            with self._database.transaction() as session:
                logged_errors.add(session, entries, host=socket.gethostname(), pid=os.getpid())
        except Exception as error:
            self._errors.give_back(entries)
            log.debug("the last errors are stored later: %s", error)
