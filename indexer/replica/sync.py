"""The threads of a serving process that keep its indexes in step when nobody asks for them.

Each is on its own, so that what holds one up, or fails every time, does not stop the others: one follows
the log, one opens what a switch would need, one says that the process lives, and one reports its indexes.
"""

import logging
import os
import socket
from importlib.metadata import version
from uuid import UUID

from indexer.errors import GemelError
from indexer.pipeline.pipelines import Pipelines
from indexer.records import reindexes, replicas
from indexer.records.database.session import Database
from indexer.records.notifications import Listener
from indexer.records.replicas import StatusReport
from indexer.replica.cache import IndexCache
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""After so long without a notice all galleries are looked at."""
HEARTBEAT_SECONDS = 2.0
REPORT_SECONDS = 1.0
"""Between two reports of where the indexes are."""


class IndexSync:
    """Hears of changes, has the index_cache apply them, and tells PostgreSQL where each index is."""

    def __init__(
        self,
        database: Database,
        index_cache: IndexCache,
        pipelines: Pipelines,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Starts at once, whether PostgreSQL answers or not; `close` it."""
        self._database = database
        self._index_cache = index_cache
        self._pipelines = pipelines
        self._poll_seconds = poll_seconds
        self._listener = Listener(database)
        self._process_id: UUID | None = None
        self._told: dict[tuple[UUID, str], StatusReport] = {}
        self._told_as: UUID | None = None
        """The process id under which `_told` was reported."""
        self._standby = Supervised("standby", self._stand_by, every_seconds=poll_seconds)
        self._following = Supervised("following", self._follow)
        self._heartbeat = Supervised("heartbeat", self._beat, every_seconds=HEARTBEAT_SECONDS)
        self._reporting = Supervised("report", self._report, every_seconds=REPORT_SECONDS)
        for thread in (self._standby, self._following, self._heartbeat, self._reporting):
            thread.start()

    @property
    def problem(self) -> str | None:
        """Why the indexes are not kept up to date in the background, in words. A search still brings its own
        index up to date first.

        Takes no lock: it may be asked at any time.
        """
        return self._following.problem or self._heartbeat.problem

    def close(self) -> None:
        ended = self._following.close(self._listener.wake)
        for thread in (self._standby, self._reporting, self._heartbeat):
            thread.close()
        if ended:
            self._listener.close()
        if self._process_id is not None:
            try:
                with self._database.transaction() as session:
                    replicas.unregister(session, self._process_id)
            except GemelError as error:
                log.warning("this process is not signed off, and taken for dead soon: %s", error)

    def _follow(self) -> None:
        heard = self._listener.wait(self._poll_seconds)
        if self._following.closing:
            return
        self._standby.wake()
        self._index_cache.sync(heard)

    def _stand_by(self) -> None:
        """Opens what a switch of a gallery's model, either way, would need at once."""
        with self._database.reading() as session:
            waiting = reindexes.switchable_galleries(session)
        for gallery, number, fingerprint in waiting:
            try:
                self._index_cache.prepare(gallery, self._pipelines.by_number(number).card)
            except Exception as error:  # of this model alone; whoever wants to switch is told
                if self._index_cache.cannot_prepare(gallery, fingerprint, str(error)):
                    log.error(
                        "this process cannot search gallery %s by %s: %s", gallery.name, fingerprint, error
                    )

    def _beat(self) -> None:
        with self._database.transaction() as session:
            if self._process_id is None or not replicas.heartbeat(session, self._process_id):
                self._process_id = replicas.register(
                    session, host=socket.gethostname(), pid=os.getpid(), version=version("gemel")
                )

    def _report(self) -> None:
        process_id = self._process_id
        if process_id is None:
            return
        known = self._told if self._told_as == process_id else {}
        now = {(told.gallery_id, told.model): told for told in self._index_cache.reports()}
        changed = [told for key, told in now.items() if known.get(key) != told]
        with self._database.transaction() as session:
            if not replicas.report(session, process_id, changed, known.keys() - now.keys()):
                return  # it was taken for dead, and registers anew with its next heartbeat
        self._told, self._told_as = now, process_id
