"""Indexes are opened and rebuilt in threads of their own, beside those that search.

Somebody waits for a first opening, and nobody for a rebuild: neither holds the other up.
"""

import logging
from collections.abc import Callable
from concurrent.futures import Future

from indexer.replica.threads.interruptible import InterruptiblePool, close_all

log = logging.getLogger(__name__)

THREADS_PER_KIND = 2
"""Indexes of a kind that are built at the same time; the others of that kind queue."""
SMALL_GALLERY_FACES = 1_000
"""Smaller galleries are opened in a moment, and never queue behind larger ones."""


class IndexBuilds:
    """Safe to call from several threads; `close` it."""

    THREADS = 3 * THREADS_PER_KIND

    def __init__(self) -> None:
        self._small = InterruptiblePool(THREADS_PER_KIND, "open-small")
        self._large = InterruptiblePool(THREADS_PER_KIND, "open")
        self._rebuilds = InterruptiblePool(THREADS_PER_KIND, "rebuild")

    def submit(self, build: Callable[[], None], *, faces: int, first: bool) -> "Future[None]":
        """`first`: nothing serves until it is done. Raises CancelledError where the process ends."""
        if not first:
            return self._rebuilds.submit(build)
        return (self._small if faces < SMALL_GALLERY_FACES else self._large).submit(build)

    def close(self) -> None:
        """What is queued is dropped, and what runs is interrupted."""
        if not close_all(self._rebuilds, self._large, self._small):
            log.warning("an index is still being built; the process ends without waiting for it")
