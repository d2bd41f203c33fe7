"""The thread of a serving process that keeps its indexes in step when nobody asks for them."""

import logging
import os
import socket
import threading
import time
from importlib.metadata import version
from uuid import UUID

from indexer.errors import GemelError, Misconfigured
from indexer.recognition.cameras import Cameras
from indexer.recognition.follower import Follower
from indexer.records import reindexes, replicas
from indexer.records.notices import Listener
from indexer.records.replicas import Told
from indexer.records.session import Database

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
"""After so long without a notice all galleries are looked at."""
TELL_SECONDS = 1.0
"""Between two tellings of where the indexes are."""


class Keeper:
    """Hears of changes, has the follower apply them, and tells PostgreSQL where each index is."""

    def __init__(
        self,
        database: Database,
        follower: Follower,
        cameras: Cameras,
        *,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Starts at once, whether PostgreSQL answers or not; `close` it."""
        self._database = database
        self._follower = follower
        self._cameras = cameras
        self._poll_seconds = poll_seconds
        self._listener = Listener(database)
        self._process_id: UUID | None = None
        self._told: dict[tuple[UUID, str], Told] = {}
        self._tell_at = 0.0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._listener.wake()
        self._thread.join()
        self._listener.close()
        if self._process_id is not None:
            try:
                with self._database.transaction() as session:
                    replicas.forget(session, self._process_id)
            except GemelError as error:
                log.warning("this process is not signed off, and taken for dead soon: %s", error)

    def _run(self) -> None:
        while not self._closing:
            heard = self._listener.wait(self._poll_seconds)
            if self._closing:
                return
            try:
                self._stand_by()
                self._follower.tend(heard)
                self._tell()
            except GemelError as error:
                log.warning("the indexes are brought along later: %s", error)
            except Exception:  # a thread that ended would not be missed until much later
                log.exception("unforeseen error while bringing the indexes along")

    def _stand_by(self) -> None:
        """Opens what a switch of a gallery's model, either way, would need at once."""
        with self._database.reading() as session:
            waiting = reindexes.standing_by(session)
        for gallery, number, fingerprint in waiting:
            try:
                self._follower.prepare(gallery, self._cameras.numbered(number).card)
            except Misconfigured as error:
                self._follower.cannot_prepare(gallery, fingerprint, error.message)

    def _tell(self) -> None:
        if time.monotonic() < self._tell_at:
            return
        self._tell_at = time.monotonic() + TELL_SECONDS
        now = {(told.gallery_id, told.model): told for told in self._follower.told()}
        with self._database.transaction() as session:
            known = self._process_id is not None and replicas.tell(
                session,
                self._process_id,
                [told for key, told in now.items() if self._told.get(key) != told],
                self._told.keys() - now.keys(),
            )
            if not known:
                self._process_id = replicas.register(
                    session, host=socket.gethostname(), pid=os.getpid(), version=version("gemel")
                )
                replicas.tell(session, self._process_id, list(now.values()), [])
        self._told = now
