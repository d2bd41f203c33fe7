"""Writes the events of searches: one transaction for all that wait at the same time."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from indexer.errors import Busy, Unavailable
from indexer.rate_limited_log import RateLimitedLog
from indexer.records.audit.chain import Entry, append, entry
from indexer.records.audit.event import AuditEvent
from indexer.records.audit.single import append_one
from indexer.records.database.session import Database, Session

_failures = RateLimitedLog(logging.getLogger(__name__))

MAX_WAITING = 1_000
"""Events of a process that wait for the transaction before theirs."""


@dataclass(slots=True, eq=False)
class _PendingEvent:
    entry: Entry
    written: bool = False
    error: BaseException | None = None


class SearchWriter:
    """The first thread that waits writes for all others; those that come meanwhile wait for the next
    transaction. So a single client waits for one commit and no thread, and eight clients share one."""

    def __init__(
        self,
        database: Database,
        *,
        required: bool = True,
        durable: bool = False,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        """`required`: whether a search fails where its event cannot be written. `durable`: whether it waits
        until the disk has it; otherwise a crash of PostgreSQL may lose the last second's."""
        self._database = database
        self._required = required
        self._durable = durable
        self._max_waiting = max_waiting
        self._condition = threading.Condition()
        self._waiting: list[_PendingEvent] = []
        self._is_writing = False

    @property
    def waiting(self) -> int:
        """Events that wait for the transaction before theirs."""
        return len(self._waiting)

    def record(self, event: AuditEvent) -> None:
        """Returns once the event is committed, with the current caller's name.

        Raises DatabaseUnavailable (also DatabaseFull, DatabaseReadOnly), DatabaseNotMigrated, Busy; not where
        events are not required: then the failure is logged, and the event is lost.
        """
        if self._database.audit:
            self._try(lambda: self._record(_PendingEvent(entry(event))))

    def record_with(self, event: AuditEvent, write: Callable[[Session], object]) -> None:
        """As `record`, in one transaction with what `write` writes: both are committed, or neither."""
        if self._database.audit:
            self._try(lambda: self._record_with(entry(event), write))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except Unavailable as error:
            if self._required:
                raise
            _failures.line(
                logging.ERROR, error.code, "a search is not in the audit record: %s", error.message
            )

    def _record_with(self, one: Entry, write: Callable[[Session], object]) -> None:
        with self._database.transaction() as session:
            write(session)
            append(session, [one], durable=self._durable)

    def _record(self, own: _PendingEvent) -> None:
        with self._condition:
            if len(self._waiting) >= self._max_waiting:
                raise Busy(f"{self._max_waiting} searches wait to be written to the audit record")
            self._waiting.append(own)
            while self._is_writing and not own.written:
                self._condition.wait()
            if not own.written:
                batch, self._waiting, self._is_writing = self._waiting, [], True
        if not own.written:
            self._write(batch)
        if own.error is not None:
            raise own.error

    def _write(self, batch: list[_PendingEvent]) -> None:
        error: BaseException | None = None
        try:
            if len(batch) == 1:
                with self._database.reading() as session:
                    append_one(session, batch[0].entry, durable=self._durable)
            else:
                with self._database.transaction() as session:
                    append(session, [one.entry for one in batch], durable=self._durable)
        except BaseException as raised:
            error = raised
        finally:
            with self._condition:
                for one in batch:
                    one.written, one.error = True, error
                self._is_writing = False
                self._condition.notify_all()
