"""Indexes are opened, and made anew, in threads of their own, beside those that are searched.

An index that has become unfit (too many deleted faces in it, a start would have to replay too much,
another tier is wanted, an operator asked for it) is made anew beside the one that is searched, brought
along, and exchanged under the lock that changes are applied under: nobody waits, nothing is lost.
"""

import logging
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from indexer.errors import GemelError, IndexNotReady
from indexer.index.live import LiveIndex
from indexer.recognition.followed import Followed, not_ready
from indexer.recognition.opening import WRITTEN_FROM
from indexer.recognition.sweeping import remove_unwanted
from indexer.records import changes
from indexer.records.session import Database
from indexer.types import Tier

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Indexes that are loaded or built at the same time; the others queue."""
DEAD_SHARE = 0.2
"""Of an index; with more deleted faces in it than this, and than 1,000, it is made anew."""
TAIL_SHARE = 0.1
"""Changes since its generation, of its faces; with more, and than 10,000, a new one is written."""
LEAST_DEAD = 1_000
RETRY_SECONDS = 30.0
"""After an index could not be made anew."""


class Renewer:
    """Safe to call from several threads; `close` it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index")
        self._closing = False

    def close(self) -> None:
        """What is queued is dropped; what is being built ends with its next batch."""
        with self._lock:
            self._closing = True
        self._threads.shutdown(cancel_futures=True)

    def coming(self, followed: Followed) -> "Future[None]":
        """The opening of an index, begun if need be. Raises IndexNotReady where the process ends."""
        with self._lock:
            if self._closing:
                raise not_ready(followed.gallery)
            if followed.coming is None:
                followed.coming = self._threads.submit(self.open, followed)
            return followed.coming

    def open(self, followed: Followed) -> None:
        """In a thread of its own: the index as it should be, in the place of the one that there is."""
        try:
            old = followed.opened
            at_least = 0 if old is None else old.index.applied
            fresh = followed.opener.open(followed.gallery.id, at_least=at_least, progress=self._go_on)
            self.replay(followed, fresh.index)
            with followed.lock:
                # An index may have been brought along further meanwhile, and must not go back.
                if followed.opened is not None:
                    self.replay(followed, fresh.index, followed.opened.index.applied)
                followed.opened = fresh
                followed.problem = followed.behind = None
            followed.gpu_asked_at = time.monotonic()
        except Exception as error:
            serving = "nothing serves" if followed.opened is None else "the old one serves"
            log.error("the index of %s could not be made, %s: %s", followed.gallery.name, serving, error)
            followed.problem = str(error)
            followed.retry_at = time.monotonic() + RETRY_SECONDS
            raise
        finally:
            if followed.retired:
                self._leave_nothing(followed)
            with self._lock:
                followed.coming = None

    def _leave_nothing(self, followed: Followed) -> None:
        opener = followed.opener
        try:
            remove_unwanted(self._database, opener.root, followed.gallery, opener.card.fingerprint)
        except GemelError as error:
            log.warning("what is of no use any more goes at the next start: %s", error)

    def replay(self, followed: Followed, index: LiveIndex, number: int | None = None) -> None:
        """Up to change `number`, or the end of the log.

        Raises ChangesPruned, LogForked, EmbeddingsMissing, GalleryNotFound.
        """
        while number is None or index.applied < number:
            with self._database.reading() as session:
                tail = changes.after(session, followed.gallery.id, index.position, followed.card.fingerprint)
            if not tail:
                return
            index.apply(tail)

    def renew_if_due(self, followed: Followed) -> None:
        if followed.coming is not None or time.monotonic() < followed.retry_at:
            return
        due = _due(followed)
        if due is None:
            return
        log.info("the index of %s is made anew: %s", followed.gallery.name, due)
        self.coming(followed)

    def _go_on(self, _: int) -> None:
        if self._closing:
            raise IndexNotReady("the process ends")


def _due(followed: Followed) -> str | None:
    """Why it is to be made anew."""
    opened, gallery = followed.opened, followed.gallery
    if opened is None:
        return None
    index = opened.index
    if gallery.index_epoch > opened.epoch:
        return "it was asked for"
    if not followed.opener.fits(opened.wanted, gallery):
        return f"{followed.opener.wanted(gallery)} is wanted, not {opened.wanted}"
    if opened.for_gpu != followed.opener.for_gpu(gallery):
        return "it is wanted elsewhere: on the GPUs, or no longer there"
    if opened.for_gpu and index.tier is not Tier.GPU and _gpu_has_room(followed, index.count):
        return "the GPUs have room for it now"
    if index.tombstones > max(LEAST_DEAD, DEAD_SHARE * index.count):
        return f"{index.tombstones} deleted faces are still in it"
    tail = index.applied - opened.applied
    if index.count >= WRITTEN_FROM and tail > max(WRITTEN_FROM, TAIL_SHARE * index.count):
        return f"{tail} changes are not on the disk"
    return None


def _gpu_has_room(followed: Followed, count: int) -> bool:
    """As far as is known: they are not asked at every turn."""
    if time.monotonic() < followed.gpu_asked_at + RETRY_SECONDS:
        return False
    followed.gpu_asked_at = time.monotonic()
    return followed.opener.gpu_shortcoming(count) is None
