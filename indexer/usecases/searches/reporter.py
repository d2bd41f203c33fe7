"""The thread of a serving process that stores its counted searches, and warns of broken promises."""

import logging
from uuid import UUID

from indexer.calibration.check.tally import SearchTally
from indexer.calibration.check.verdict import judge
from indexer.records import galleries, search_counts
from indexer.records.database.session import Database
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

REPORT_SECONDS = 10.0


class SearchReporter:
    THREADS = 1

    def __init__(
        self, database: Database, tally: SearchTally, *, every_seconds: float = REPORT_SECONDS
    ) -> None:
        """Starts at once, whether PostgreSQL answers or not; `close` it."""
        self._database = database
        self._tally = tally
        self._warned: set[tuple[UUID, str]] = set()
        self._thread = Supervised("search report", self.report, every_seconds=every_seconds)
        self._thread.start()

    def close(self) -> None:
        """Stores what was counted since the last report."""
        if self._thread.close():
            try:
                self.report()
            except Exception as error:
                log.warning("the last counted searches are lost: %s", error)

    def report(self) -> None:
        """Raises DatabaseUnavailable, Busy; then the counts are stored later."""
        taken = self._tally.take()
        if not taken:
            return
        try:
            with self._database.transaction() as session:
                # In one order in every process, so that two never wait for each other's rows.
                sums = {key: search_counts.add(session, *key, taken[key]) for key in sorted(taken)}
                search_counts.prune(session)
                names = galleries.by_ids(session, [gallery_id for gallery_id, _ in taken])
        except BaseException:
            self._tally.give_back(taken)
            raise
        for key, counts in sums.items():
            if key[0] in names:
                self._warn(key, names[key[0]].name, judge(counts).warning)

    def _warn(self, key: tuple[UUID, str], gallery: str, warning: str | None) -> None:
        """Once, and again where it was well in between."""
        if warning is None:
            self._warned.discard(key)
        elif key not in self._warned:
            self._warned.add(key)
            log.warning("gallery %s: %s", gallery, warning)
