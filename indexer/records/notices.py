"""Who is told that a gallery has changed. A notice only wakes: what has changed is in the database.

A notice that is lost, with its connection or otherwise, costs a poll interval and nothing else.
"""

import contextlib
import logging
import os
import select
from uuid import UUID

from psycopg2.extensions import connection
from sqlalchemy import func
from sqlalchemy import select as query
from sqlalchemy.orm import Session

from indexer.errors import DatabaseUnavailable
from indexer.records.session import DRIVER_ERRORS, Database

log = logging.getLogger(__name__)

CHANNEL = "gemel_gallery"


def announce(session: Session, gallery_id: UUID) -> None:
    """When the transaction is committed, those who listen hear of the gallery."""
    session.execute(query(func.pg_notify(CHANNEL, str(gallery_id))))


class Listener:
    """One connection that listens, made again when it breaks. For one thread; `wake` is for others."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: connection | None = None
        self._down = False
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)

    def wait(self, seconds: float) -> set[UUID] | None:
        """The galleries that were heard of within `seconds`, as soon as there are any.

        None where any gallery may have changed unheard: when nothing was heard, when the connection is
        new or broken, and when somebody called `wake`.
        """
        if self._connection is None:
            self._connection = self._listening()
            if self._connection is not None:
                return None
        listening = self._connection
        watched = [self._woken] if listening is None else [self._woken, listening.fileno()]
        ready, _, _ = select.select(watched, [], [], seconds)
        if self._woken in ready:
            os.read(self._woken, 4096)
            return None
        return self._heard(listening, check=not ready) if listening is not None else None

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
            listening = self._database.listening(CHANNEL)
        except DatabaseUnavailable as error:
            if not self._down:
                log.warning("not told of changes until PostgreSQL answers again: %s", error)
            self._down = True
            return None
        if self._down:
            log.info("told of changes again")
        self._down = False
        return listening

    def _heard(self, listening: connection, *, check: bool) -> set[UUID] | None:
        """`check`: asks whether the other side is still there, which silence does not tell."""
        try:
            if check:
                with listening.cursor() as cursor:
                    cursor.execute("SELECT 1")
            listening.poll()
        except DRIVER_ERRORS as error:
            log.warning("the connection that listened for changes broke: %s", str(error).strip())
            self._drop()
            return None
        heard = {UUID(notice.payload) for notice in listening.notifies}
        listening.notifies.clear()
        return heard or None

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(*DRIVER_ERRORS):
                self._connection.close()
        self._connection = None
