"""A thread that does the same thing again and again, and that no exception ends."""

import logging
import threading
import time
from collections.abc import Callable

from indexer.errors import GemelError

log = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS = 0.1
MOST_BACKOFF_SECONDS = 5.0
STUCK_SECONDS = 60.0
"""In one turn, after which the thread counts as stuck."""
CLOSING_SECONDS = 2.0
"""That `close` waits for a turn to end."""


class Supervised:
    """Calls `turn`, waits `every_seconds`, calls it again. `start` it, once what `turn` uses is complete, and
    `close` it.

    Where `turn` raises, whatever it is, that is logged, and the next call comes after a pause that grows
    from 0.1 to 5 seconds.
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
        """Why the work is not being done, in words. Takes no lock: it may be asked at any time."""
        if not self._thread.is_alive():
            return f"the thread {self._name} has ended"
        seconds = time.monotonic() - self._turned_at
        if seconds > STUCK_SECONDS + self._every_seconds:
            return f"the thread {self._name} has been stuck for {seconds:.0f} s"
        return f"the thread {self._name} fails: {self._failure}" if self._failures else None

    def wake(self) -> None:
        """The next turn comes at once."""
        self._due.set()

    def close(self, interrupt: Callable[[], object] = lambda: None) -> bool:
        """`interrupt` ends the wait within a turn. False where the turn does not end: it is left behind."""
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
                pause = min(MOST_BACKOFF_SECONDS, FIRST_BACKOFF_SECONDS * 2 ** min(self._failures - 1, 10))
                self._closing.wait(pause)
                continue
            if self._failures:
                log.info("the thread %s works again", self._name)
            self._failures = 0
            if self._every_seconds:
                self._due.wait(self._every_seconds)
                self._due.clear()

    def _note(self, error: BaseException) -> None:
        """The same failure is logged once until it is over, with where it happened if nobody foresaw it."""
        said = str(error) or type(error).__name__
        again = self._failures > 0 and said == self._failure
        self._failures += 1
        self._failure = said
        if not again:
            foreseen = isinstance(error, GemelError)
            log.log(
                logging.WARNING if foreseen else logging.ERROR,
                "the thread %s failed and tries again: %s",
                self._name,
                said,
                exc_info=None if foreseen else error,
            )
