"""The thread of a serving process that forgets visitors whose lifetime is over."""

import logging
from datetime import timedelta

from indexer.errors import Busy, GalleryNotFound
from indexer.records import galleries
from indexer.records.database.session import Database
from indexer.records.enrolled import visitors
from indexer.replica.threads.supervised import Supervised
from indexer.visitors.forget import Reason, forget_unseen, make_room

log = logging.getLogger(__name__)

EVERY_SECONDS = 60.0


class VisitorExpiry:
    """Several processes may do the same: each visitor is forgotten once. `close` it."""

    THREADS = 1

    def __init__(self, database: Database, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._database = database
        self._thread = Supervised("visitor expiry", self.forget, every_seconds=every_seconds)
        self._thread.start()

    def close(self) -> None:
        self._thread.close()

    def forget(self) -> None:
        """Once. Raises DatabaseUnavailable."""
        with self._database.reading() as session:
            due = visitors.galleries_to_forget_in(session)
        for gallery in due:
            lifetime = timedelta(hours=gallery.visitor_lifetime_hours)
            try:
                count = forget_unseen(self._database, gallery.id, lifetime, reason=Reason.EXPIRED)
                while True:
                    with self._database.transaction() as session:
                        surplus = make_room(session, galleries.lock(session, gallery.id))
                    count += surplus
                    if not surplus:
                        break
            except (Busy, GalleryNotFound) as error:
                log.info("visitors of gallery %s are forgotten later: %s", gallery.name, error)
                continue
            log.info("gallery %s: forgot %d visitors", gallery.name, count)
