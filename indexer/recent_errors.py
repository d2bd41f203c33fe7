"""The last warnings and errors that a process has logged, until they are stored for operators.

What is stored may be read by all who may read the state of the service. So an entry has no traceback, no text
of an unexpected exception (which may quote a query with its values), no password and no API key.
"""

import logging
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from indexer.errors import GemelError
from indexer.logs import one_line, request_id
from indexer.rate_limited_log import LineLimit

Level = Literal["warning", "error"]

LOGGERS = ("indexer", "service", "uvicorn")
MAX_WAITING = 100
"""Entries that wait to be stored. The oldest are dropped, as in an outage of PostgreSQL."""
MAX_CHARACTERS = 500
_SECRETS = re.compile(r"gemel_[0-9a-f]{12}_[0-9a-f]{8,}|(?<=://)[^\s/@]*:[^\s/@]*(?=@)|(?i:password=)\S+")
_LOGGED_BEFORE = "Exception in ASGI application"
"""Uvicorn's line about an exception that `service.errors` has logged with its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedError:
    at: datetime
    level: Level
    logger: str
    code: str | None
    """Of one of Gemel's errors; `internal_error` for an unexpected exception."""
    message: str
    request_id: str | None
    suppressed: int
    """Lines of this kind in the seconds before that have no entry."""


class RecentErrors(logging.Handler):
    """Collects log lines: one of each kind every ten seconds. Thread-safe."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._waiting: deque[LoggedError] = deque(maxlen=MAX_WAITING)
        self._limit = LineLimit()
        self._queue_lock = threading.Lock()

    @contextmanager
    def attached(self) -> Iterator[None]:
        """While the block runs, the lines of Gemel and uvicorn are collected."""
        loggers = [logging.getLogger(name) for name in LOGGERS]
        for logger in loggers:
            logger.addHandler(self)
        try:
            yield
        finally:
            for logger in loggers:
                logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = self._entry(record)
        except Exception:  # the line itself is logged; no entry of it must not fail its caller
            return
        if entry is not None:
            with self._queue_lock:
                self._waiting.append(entry)

    def take(self) -> list[LoggedError]:
        """The entries that wait, the oldest first. Who cannot store them gives them back."""
        with self._queue_lock:
            taken = list(self._waiting)
            self._waiting.clear()
        return taken

    def give_back(self, entries: Sequence[LoggedError]) -> None:
        with self._queue_lock:
            kept = [*entries, *self._waiting]
            self._waiting.clear()
            self._waiting.extend(kept)

    def _entry(self, record: logging.LogRecord) -> LoggedError | None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and str(record.msg).startswith(_LOGGED_BEFORE):
            return None
        code = _code(record, error)
        suppressed = self._limit.admit(f"{record.name} {record.levelno} {record.msg} {code}")
        if suppressed is None:
            return None
        return LoggedError(
            at=datetime.fromtimestamp(record.created, UTC),
            level="error" if record.levelno >= logging.ERROR else "warning",
            logger=record.name,
            code=code,
            message=_message(record, error).removeprefix(f"{code}: "),
            request_id=request_id.get(),
            suppressed=suppressed,
        )


def _code(record: logging.LogRecord, error: BaseException | None) -> str | None:
    arguments = record.args if isinstance(record.args, tuple) else ()
    for value in (error, *arguments):
        if isinstance(value, GemelError):
            return value.code
    return None if error is None else "internal_error"


def _message(record: logging.LogRecord, error: BaseException | None) -> str:
    """`summary`: what the line's caller wants to be stored instead of it (`logging`'s `extra`)."""
    text: str = getattr(record, "summary", None) or record.getMessage()
    if error is not None and not isinstance(error, GemelError):
        kind = type(error).__name__
        text = text.replace(str(error), kind) if str(error) else text
        text = text if kind in text else f"{text}: {kind}"
    return _SECRETS.sub("...", one_line(text))[:MAX_CHARACTERS]
