"""Who is told that a gallery has changed. A notice only wakes: what has changed is in the database.

A notice that is lost, with its connection or otherwise, costs a poll interval and nothing else.
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
"""Between two lines about notices that name no gallery."""


def notify(session: Session, gallery_id: UUID) -> None:
    """When the transaction is committed, those who listen hear of the gallery."""
    session.execute(select(func.pg_notify(CHANNEL, str(gallery_id))))


class Listener:
    """One connection that listens, made again when it breaks. For one thread; `wake` is for others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: connection | None = None
        self._down = False
        self._all_at = time.monotonic()
        """When `wait` last said that any gallery may have changed."""
        self._foreign_at = float("-inf")
        """When a notice that names no gallery was logged last."""
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def wait(self, seconds: float) -> set[UUID] | None:
        """The galleries that were heard of within `seconds`, as soon as there are any.

        None where any gallery may have changed unheard: when the last None is `seconds` ago, whatever was
        heard since, when the connection is new or broken, and when somebody called `wake`.
        """
        try:
            heard = self._wait(self._all_at + seconds)
        except BaseException:
            self._drop()  # whatever it was, the next call begins with a new connection
            raise
        if heard is None or time.monotonic() >= self._all_at + seconds:
            self._all_at = time.monotonic()
            return None
        return heard

    def _wait(self, deadline: float) -> set[UUID] | None:
        if self._connection is None:
            self._connection = self._listening()
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
            heard = self._heard(listening, check=not ready)
            if heard is None or heard or time.monotonic() >= deadline:
                return heard

    def wake(self) -> None:
        """Lets `wait` return at once."""
        with contextlib.suppress(BlockingIOError):  # then the pipe is full of wakes already
            os.write(self._waker, b"!")

    def close(self) -> None:
        """Only when nobody waits."""
        self._drop()
        os.close(self._woken)
        os.close(self._waker)

    def _listening(self) -> connection | None:
        try:
            listening = self._database.listen(CHANNEL)
        except (DatabaseUnavailable, Busy) as error:
            if not self._down:
                log.warning("not told of changes until PostgreSQL answers again: %s", error)
            self._down = True
            return None
        if self._down:
            log.info("told of changes again")
        self._down = False
        return listening

    def _heard(self, listening: connection, *, check: bool) -> set[UUID] | None:
        """None where the connection broke. `check`: asks whether the other side is still there, which
        silence does not tell."""
        try:
            if check:
                with listening.cursor() as cursor:
                    cursor.execute("SELECT 1")
            listening.poll()
        except DRIVER_ERRORS as error:
            log.warning("the connection that listened for changes broke: %s", str(error).strip())
            self._drop()
            return None
        payloads = [notice.payload for notice in listening.notifies]
        listening.notifies.clear()
        return self._named(payloads)

    def _named(self, payloads: Iterable[str]) -> set[UUID]:
        """The galleries. Anybody who may connect may send a notice: others than Gemel's are passed over."""
        named = set()
        for payload in payloads:
            try:
                named.add(UUID(payload))
            except ValueError:
                if time.monotonic() > self._foreign_at + FOREIGN_SECONDS:
                    self._foreign_at = time.monotonic()
                    log.warning("a notice on %s names no gallery: %.80r", CHANNEL, payload)
        return named

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._connection.close()
        self._connection = None


def _readable(descriptors: Iterable[int], seconds: float) -> set[int]:
    """Those that can be read from, of whatever number: select() takes none above 1,023."""
    with selectors.PollSelector() as selector:
        for descriptor in descriptors:
            selector.register(descriptor, selectors.EVENT_READ)
        return {key.fd for key, _ in selector.select(seconds)}
