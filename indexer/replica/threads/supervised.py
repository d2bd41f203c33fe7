"""A thread that repeats a task, and that no exception ends."""

import logging
import threading
import time
from collections.abc import Callable

from indexer.errors import GemelError

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.1
MAX_BACKOFF_SECONDS = 5.0
STUCK_SECONDS = 60.0
"""A turn that takes longer counts as stuck."""
CLOSING_SECONDS = 2.0
"""How long `close` waits for a turn to end."""


class Supervised:
    """Calls `turn`, waits `every_seconds`, calls it again. `start` it once everything that `turn` uses is
    there, and `close` it.

    If `turn` raises anything, it is logged, and the next call comes after a pause that grows from 0.1 to 5
    seconds.
    """

    def __init__(self, name: str, turn: Callable[[], object], *, every_seconds: float = 0.0) -> None:
        self._name = name
        self._turn = turn
        self._every_seconds = every_seconds
        self._closing = threading.Event()
        self._due = threading.Event()
        self._failures = 0
        self._failure = ""
        self._turned_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._turned_at = time.monotonic()
        self._thread.start()

    @property
    def closing(self) -> bool:
        return self._closing.is_set()

    @property
    def problem(self) -> str | None:
        """Why the work is not being done, in words. Takes no lock: it answers at any time."""
        if not self._thread.is_alive():
            return f"the thread {self._name} has ended"
        seconds = time.monotonic() - self._turned_at
        if seconds > STUCK_SECONDS + self._every_seconds:
            return f"the thread {self._name} has been stuck for {seconds:.0f} s"
        return f"the thread {self._name} fails: {self._failure}" if self._failures else None

    def wake(self) -> None:
        """Begins the next turn at once."""
        self._due.set()

    def close(self, interrupt: Callable[[], object] = lambda: None) -> bool:
        """`interrupt` ends a wait within the turn. False if the turn does not end in time."""
        self._closing.set()
        self._due.set()
        interrupt()
        self._thread.join(CLOSING_SECONDS)
        if self._thread.is_alive():
            log.error(
                "the thread %s does not end in time; the process ends without waiting for it", self._name
            )
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._turned_at = time.monotonic()
            try:
                self._turn()
            except BaseException as error:  # also SystemExit, with which a library could end the thread
                self._note(error)
                pause = min(MAX_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(self._failures - 1, 10))
                self._closing.wait(pause)
                continue
            if self._failures:
                log.info("the thread %s works again", self._name)
            self._failures = 0
            if self._every_seconds:
                self._due.wait(self._every_seconds)
                self._due.clear()

    def _note(self, error: BaseException) -> None:
        """A failure that repeats is logged once; an unexpected one with its traceback."""
        message = str(error) or type(error).__name__
        again = self._failures > 0 and message == self._failure
        self._failures += 1
        self._failure = message
        if not again:
            expected = isinstance(error, GemelError)
            log.log(
                logging.WARNING if expected else logging.ERROR,
                "the thread %s failed and tries again: %s",
                self._name,
                message,
                exc_info=None if expected else error,
            )
