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
"""In a window. What exceeds it is counted together, in one event for each action."""
_OTHERS = Caller(name="several callers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What refused requests have in common that are counted together."""

    action: Action
    caller: Caller
    reason: str
    """Gemel's own words, or the public prefix of a key: no other text of the client's."""
    operation: str | None = None
    gallery: str | None = None


class Refusals:
    """Safe to call from several threads; `close` it. A kill -9 loses what was counted and not yet written."""

    THREADS = 1

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._counts: Counter[Refusal] = Counter()
        """Not yet written."""
        self._written: set[Refusal] = set()
        """In this window."""
        self._window_began = time.monotonic()
        self._thread = Supervised("refusals", self._write, every_seconds=EVERY_SECONDS)
        self._thread.start()

    def add(self, refusal: Refusal) -> None:
        with self._lock:
            known = self._written | self._counts.keys()
            if refusal not in known and len(known) >= MAX_DIFFERENT:
                refusal = Refusal(action=refusal.action, caller=_OTHERS, reason="various")
            self._counts[refusal] += 1

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
                log.warning("the last refused requests are not in the audit record: %s", error)

    def _write(self) -> None:
        """What cannot be written stays counted."""
        with self._lock:
            if time.monotonic() - self._window_began > WINDOW_SECONDS:
                self._window_began = time.monotonic()
                self._written.clear()
            due = [refusal for refusal in self._counts if refusal not in self._written]
        for refusal in due:
            requests = self._counts[refusal]
            self._record(refusal, requests)
            with self._lock:
                self._written.add(refusal)
                self._counts[refusal] -= requests
                if not self._counts[refusal]:
                    del self._counts[refusal]

    def _record(self, refusal: Refusal, requests: int) -> None:
        """In a transaction of its own, which has one caller."""
        details = {"reason": refusal.reason, "operation": refusal.operation, "requests": requests}
        token = current_caller.set(refusal.caller)
        try:
            with self._database.transaction() as session:
                record(session, AuditEvent(action=refusal.action, gallery=refusal.gallery, details=details))
        finally:
            current_caller.reset(token)
