"""The threads of a serving process that update its indexes in the background, without a request."""

import logging
from typing import TYPE_CHECKING

from indexer.records import reindexes
from indexer.records.database.session import Database
from indexer.records.notifications import Listener
from indexer.replica.cache import IndexCache
from indexer.replica.threads.supervised import Supervised

if TYPE_CHECKING:  # it has all networks, and the process of a shard needs none
    from indexer.pipeline.pipelines import Pipelines

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""After so long without a notification all galleries are looked at."""


class IndexSync:
    """One thread follows the log, another opens the indexes that a switch to another model would need.

    They are separate so that what delays one, or fails in it every time, does not stop the other.
    """

    THREADS = 2

    def __init__(
        self,
        database: Database,
        index_cache: IndexCache,
        pipelines: "Pipelines",
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Starts at once, whether PostgreSQL answers or not; `close` it."""
        self._database = database
        self._index_cache = index_cache
        self._pipelines = pipelines
        self._poll_seconds = poll_seconds
        self._listener = Listener(database)
        self._standby = Supervised("standby", self._stand_by, every_seconds=poll_seconds)
        self._sync = Supervised("sync", self._follow_the_log)
        for thread in (self._standby, self._sync):
            thread.start()

    @property
    def problem(self) -> str | None:
        """Why indexes are not updated in the background, in words. A search still catches up its own
        index first. Takes no lock: it answers at any time."""
        return self._sync.problem

    def close(self) -> None:
        ended = self._sync.close(self._listener.wake)
        self._standby.close()
        if ended:
            self._listener.close()

    def _follow_the_log(self) -> None:
        changed = self._listener.wait(self._poll_seconds)
        if self._sync.closing:
            return
        self._standby.wake()
        self._index_cache.sync(changed)

    def _stand_by(self) -> None:
        """Opens what a switch of a gallery's model, either way, would need at once."""
        with self._database.reading() as session:
            waiting = reindexes.switchable_galleries(session)
        for gallery, number, fingerprint in waiting:
            try:
                self._index_cache.prepare(gallery, self._pipelines.by_number(number).card)
            except Exception as error:  # of this model alone; it holds up a switch, which says so
                if self._index_cache.cannot_prepare(gallery, fingerprint, str(error)):
                    log.error("cannot search gallery %s by %s here: %s", gallery.name, fingerprint, error)
