"""Notifications that a gallery has changed (NOTIFY and LISTEN). They wake a reader of the change log.

A notification carries no data but the gallery's id, or the key's on the channel of API keys. A lost one costs
a poll interval and nothing else.
"""

import contextlib
import logging
import os
import selectors
import time
from collections.abc import Iterable
from uuid import UUID

from psycopg2.extensions import connection
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from indexer.errors import Busy, DatabaseUnavailable
from indexer.records.database.driver_errors import DRIVER_ERRORS
from indexer.records.database.session import Database

log = logging.getLogger(__name__)

CHANNEL = "gemel_gallery"
FOREIGN_SECONDS = 60.0
"""Between two log lines about notifications without an id."""


def notify(session: Session, gallery_id: UUID) -> None:
    """Notifies all listeners when the transaction commits."""
    session.execute(select(func.pg_notify(CHANNEL, str(gallery_id))))


class Listener:
    """A connection that listens, and reconnects. For one thread; other threads may call `wake`."""

    def __init__(self, database: Database, *, channel: str = CHANNEL) -> None:
        self._database = database
        self._channel = channel
        self._connection: connection | None = None
        self._down = False
        self._all_at = time.monotonic()
        """When `wait` last returned None."""
        self._foreign_at = float("-inf")
        """When a notification without an id was last logged."""
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def wait(self, seconds: float) -> set[UUID] | None:
        """The galleries that changed, as soon as there are any within `seconds`.

        None if any gallery may have changed: if the last None was `seconds` ago, whatever came in between, if
        the connection is new or broken, and if another thread called `wake`.
        """
        try:
            changed = self._wait(self._all_at + seconds)
        except BaseException:
            self._drop()  # the next call begins with a new connection, whatever the error
            raise
        if changed is None or time.monotonic() >= self._all_at + seconds:
            self._all_at = time.monotonic()
            return None
        return changed

    def _wait(self, deadline: float) -> set[UUID] | None:
        if self._connection is None:
            self._connection = self._connect()
            if self._connection is not None:
                return None
        listening = self._connection
        watched = [self._woken] if listening is None else [self._woken, listening.fileno()]
        while True:
            ready = _readable(watched, max(0.0, deadline - time.monotonic()))
            if self._woken in ready:
                os.read(self._woken, 4096)
                return None
            if listening is None:
                return None
            changed = self._receive(listening, check=not ready)
            if changed is None or changed or time.monotonic() >= deadline:
                return changed

    def wake(self) -> None:
        """Makes `wait` return at once."""
        with contextlib.suppress(BlockingIOError):  # the pipe is full: `wait` returns anyway
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Call it only while no thread waits."""
        self._drop()
        os.close(self._woken)
        os.close(self._waker)

    def _connect(self) -> connection | None:
        try:
            listening = self._database.listen(self._channel)
        except (DatabaseUnavailable, Busy) as error:
            if not self._down:
                log.warning("cannot listen for changes until PostgreSQL answers again: %s", error)
            self._down = True
            return None
        if self._down:
            log.info("listening for changes again")
        self._down = False
        return listening

    def _receive(self, listening: connection, *, check: bool) -> set[UUID] | None:
        """None if the connection broke. `check`: sends a query, because a dead connection is as silent as an
        idle one."""
        try:
            if check:
                with listening.cursor() as cursor:
                    cursor.execute("SELECT 1")
            listening.poll()
        except DRIVER_ERRORS as error:
            log.warning("the connection that listens for changes broke: %s", str(error).strip())
            self._drop()
            return None
        payloads = [notice.payload for notice in listening.notifies]
        listening.notifies.clear()
        return self._parse(payloads)

    def _parse(self, payloads: Iterable[str]) -> set[UUID]:
        """The gallery ids. Every client of the database may notify the channel: skips other payloads."""
        gallery_ids = set()
        for payload in payloads:
            try:
                gallery_ids.add(UUID(payload))
            except ValueError:
                if time.monotonic() > self._foreign_at + FOREIGN_SECONDS:
                    self._foreign_at = time.monotonic()
                    log.warning("a notification on %s has no id: %.80r", self._channel, payload)
        return gallery_ids

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._connection.close()
        self._connection = None


def _readable(descriptors: Iterable[int], seconds: float) -> set[int]:
    """Descriptors that have data. Not by select(), which takes no descriptor above 1,023."""
    with selectors.PollSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        return {key.fd for key, _ in selector.select(seconds)}
