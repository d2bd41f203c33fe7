"""Records failed authentications and denied requests, at most some hundred events a minute.

A guesser must not fill the disk with the record of his guesses: what is alike is counted, and written within
a second the first time, then once a minute.
"""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass

from indexer.callers import Caller, current_caller
from indexer.errors import Busy, DatabaseUnavailable
from indexer.records.audit.event import Action, AuditEvent, record
from indexer.records.database.session import Database
from indexer.replica.threads.supervised import Supervised

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
WINDOW_SECONDS = 60.0
MAX_DIFFERENT = 100
"""Different rejections in a window. Further ones are counted together, in one event for each action."""
_OTHERS = Caller(name="several callers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejection:
    """Rejected requests with equal fields are counted together."""

    action: Action
    caller: Caller
    reason: str
    """Gemel's own words, or the public prefix of a key: no other text of the client's."""
    operation: str | None = None
    gallery: str | None = None


class Rejections:
    """Safe to call from several threads; `close` it. A kill -9 loses what was counted and not yet written."""

    THREADS = 1

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._counts: Counter[Rejection] = Counter()
        """Requests that are not yet written."""
        self._written: set[Rejection] = set()
        """Rejections that were written in this window."""
        self._window_began = time.monotonic()
        self._thread = Supervised("rejections", self._write, every_seconds=EVERY_SECONDS)
        self._thread.start()

    def add(self, rejection: Rejection) -> None:
        with self._lock:
            known = self._written | self._counts.keys()
            if rejection not in known and len(known) >= MAX_DIFFERENT:
                rejection = Rejection(action=rejection.action, caller=_OTHERS, reason="various")
            self._counts[rejection] += 1

    def flush(self) -> None:
        """Writes everything that was counted. Raises DatabaseUnavailable, Busy."""
        with self._lock:
            self._window_began = float("-inf")
        self._write()

    def close(self) -> None:
        if self._thread.close():
            try:
                self.flush()
            except (DatabaseUnavailable, Busy) as error:
                log.warning("the last rejected requests are not in the audit record: %s", error)

    def _write(self) -> None:
        with self._writing:
            self._write_due()

    def _write_due(self) -> None:
        """What cannot be written stays counted."""
        with self._lock:
            if time.monotonic() - self._window_began > WINDOW_SECONDS:
                self._window_began = time.monotonic()
                self._written.clear()
            due = [rejection for rejection in self._counts if rejection not in self._written]
        for rejection in due:
            requests = self._counts[rejection]
            self._record(rejection, requests)
            with self._lock:
                self._written.add(rejection)
                self._counts[rejection] -= requests
                if not self._counts[rejection]:
                    del self._counts[rejection]

    def _record(self, rejection: Rejection, requests: int) -> None:
        """In a transaction of its own, which has one caller."""
        details = {"reason": rejection.reason, "operation": rejection.operation, "requests": requests}
        token = current_caller.set(rejection.caller)
        try:
            with self._database.transaction() as session:
                record(
                    session, AuditEvent(action=rejection.action, gallery=rejection.gallery, details=details)
                )
        finally:
            current_caller.reset(token)
