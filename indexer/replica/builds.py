"""Indexes are opened, and made anew, in threads of their own, beside those that are searched.

An index that has become unfit (too many deleted faces in it, a start would have to replay too much,
another tier is wanted, an operator asked for it) is made anew beside the one that is searched, brought
along, and exchanged under the lock that changes are applied under: nobody waits, nothing is lost.
"""

import logging
import threading
import time
from concurrent.futures import CancelledError, Future

from indexer.errors import GemelError
from indexer.index.live import LiveIndex
from indexer.records import changes
from indexer.records.database.session import Database
from indexer.replica.gallery_index import RETRY_SECONDS, GalleryIndex, not_ready
from indexer.replica.store import WRITTEN_FROM
from indexer.replica.sweep import remove_unwanted
from indexer.replica.threads.interruptible import InterruptiblePool, close_all
from indexer.types import Tier

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Indexes of a kind that are loaded or built at the same time; the others of that kind queue."""
SMALL_BELOW = 1_000
"""Faces; smaller galleries are opened in no time, and never queue behind larger ones."""
DEAD_SHARE = 0.2
"""Of an index; with more deleted faces in it than this, and than 1,000, it is made anew."""
TAIL_SHARE = 0.1
"""Changes since its snapshot, of its faces; with more, and than 10,000, a new one is written."""
LEAST_DEAD = 1_000


class IndexBuilds:
    """Safe to call from several threads; `close` it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        # Somebody waits for a first opening, and nobody for a rebuild: neither holds the other up.
        self._small = InterruptiblePool(AT_ONCE, "open-small")
        self._first = InterruptiblePool(AT_ONCE, "open")
        self._rebuilds = InterruptiblePool(AT_ONCE, "rebuild")

    def close(self) -> None:
        """What is queued is dropped, and what is being built is interrupted."""
        if not close_all(self._rebuilds, self._first, self._small):
            log.warning("an index is still being built; the process ends without waiting for it")

    def coming(self, followed: GalleryIndex) -> "Future[None]":
        """The opening of an index, begun if need be. Raises IndexNotReady where the process ends."""
        with self._lock:
            if followed.coming is None:
                pool = self._rebuilds
                if followed.opened is None:
                    pool = self._small if followed.gallery.face_count < SMALL_BELOW else self._first
                try:
                    followed.coming = pool.submit(self.open, followed)
                except CancelledError:
                    raise not_ready(followed.gallery) from None
            return followed.coming

    def open(self, followed: GalleryIndex) -> None:
        """In a thread of its own: the index as it should be, in the place of the one that there is."""
        try:
            old = followed.opened
            at_least = 0 if old is None else old.index.applied
            fresh = followed.index_store.open(followed.gallery.id, at_least=at_least)
            self.replay(followed, fresh.index)
            with followed.lock:
                # An index may have been brought along further meanwhile, and must not go back.
                current = followed.opened
                if current is not None:
                    self.replay(followed, fresh.index, current.index.applied)
                followed.take(fresh)
            followed.gpu_asked_at = time.monotonic()
        except Exception as error:
            serving = "nothing serves" if followed.opened is None else "the old one serves"
            log.error("the index of %s could not be made, %s: %s", followed.gallery.name, serving, error)
            followed.fail(error)
            raise
        finally:
            if followed.retired:
                self._leave_nothing(followed)
            with self._lock:
                followed.coming = None

    def _leave_nothing(self, followed: GalleryIndex) -> None:
        index_store = followed.index_store
        try:
            remove_unwanted(self._database, index_store.root, followed.gallery, index_store.card.fingerprint)
        except GemelError as error:
            log.warning("what is of no use any more goes at the next start: %s", error)

    def replay(self, followed: GalleryIndex, index: LiveIndex, number: int | None = None) -> None:
        """Up to change `number`, or the end of the log.

        Raises ChangesPruned, LogForked, EmbeddingsMissing, GalleryNotFound.
        """
        while number is None or index.applied < number:
            with self._database.reading() as session:
                tail = changes.read_after(
                    session, followed.gallery.id, index.position, followed.card.fingerprint
                )
            if not tail:
                return
            index.apply(tail)

    def renew_if_due(self, followed: GalleryIndex) -> None:
        if followed.coming is not None or time.monotonic() < followed.retry_at:
            return
        due = _due(followed)
        if due is None:
            return
        log.info("the index of %s is made anew: %s", followed.gallery.name, due)
        self.coming(followed)


def _due(followed: GalleryIndex) -> str | None:
    """Why it is to be made anew."""
    opened, gallery = followed.opened, followed.gallery
    if opened is None:
        return None
    index = opened.index
    if gallery.rebuild_number > opened.rebuild_number:
        return "it was asked for"
    if not followed.index_store.fits(opened.target, gallery):
        return f"{followed.index_store.target(gallery)} is the target tier, not {opened.target}"
    if opened.for_gpu != followed.index_store.for_gpu(gallery):
        return "it is wanted elsewhere: on the GPUs, or no longer there"
    if opened.for_gpu and index.tier is not Tier.GPU and _gpu_has_room(followed, index.count):
        return "the GPUs have room for it now"
    if index.tombstones > max(LEAST_DEAD, DEAD_SHARE * index.count):
        return f"{index.tombstones} deleted faces are still in it"
    tail = index.applied - opened.applied
    if index.count >= WRITTEN_FROM and tail > max(WRITTEN_FROM, TAIL_SHARE * index.count):
        return f"{tail} changes are not on the disk"
    return None


def _gpu_has_room(followed: GalleryIndex, count: int) -> bool:
    """As far as is known: they are not asked at every turn."""
    if time.monotonic() < followed.gpu_asked_at + RETRY_SECONDS:
        return False
    followed.gpu_asked_at = time.monotonic()
    return followed.index_store.gpu_shortcoming(count) is None
