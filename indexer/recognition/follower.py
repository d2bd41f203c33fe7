"""Keeps an index of each gallery in step with PostgreSQL.

It asks the log, not its own memory: a gallery's row says how far the log goes, and the index
replays up to there before it is searched. What another process has enrolled is found for the same
reason as what this one has.
"""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from uuid import UUID

from indexer.errors import EmbeddingsMissing, GalleryNotFound, IndexNotReady
from indexer.index.live import LiveIndex
from indexer.recognition.opening import Opener
from indexer.records import changes, galleries
from indexer.records.models import Gallery
from indexer.records.session import Database

log = logging.getLogger(__name__)


AT_ONCE = 2
"""Indexes that are loaded or built at the same time; the others queue."""


@dataclass(slots=True, eq=False)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    index: LiveIndex | None = None
    coming: "Future[LiveIndex] | None" = None
    """The index, while a thread of its own loads or builds it."""


class Follower:
    """Live indexes by gallery, for one model. Safe to call from several threads; `close` it."""

    def __init__(self, database: Database, opener: Opener, *, patience_seconds: float) -> None:
        """`patience_seconds`: how long a caller waits for an index that is loaded, built or brought along."""
        self._database = database
        self._opener = opener
        self._patience = patience_seconds
        self._entries: dict[UUID, _Entry] = {}
        self._lock = threading.Lock()
        self._openers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index")

    def close(self) -> None:
        """Waits for what is being built; what is queued is dropped."""
        self._openers.shutdown(cancel_futures=True)

    def caught_up(self, gallery: Gallery, *, patience_seconds: float | None = None) -> LiveIndex:
        """The index with every change that `gallery`, as it was read, knows of; maybe later ones.

        Raises IndexNotReady where that takes too long, for this gallery alone; EmbeddingsMissing where
        faces have no embedding by this model, GalleryNotFound where the gallery was deleted since it
        was read.
        """
        patience = self._patience if patience_seconds is None else patience_seconds
        with self._lock:
            entry = self._entries.setdefault(gallery.id, _Entry())
        index = entry.index
        if index is None or index.applied < gallery.change_number:
            try:
                index = self._bring_along(gallery, entry, patience)
            except GalleryNotFound:
                self.forget(gallery.id)
                raise
        return index

    def load_all(self) -> int:
        """Opens the index of every gallery; how many faces can be searched so far."""
        with self._database.reading() as session:
            every = galleries.all_of_them(session)
        faces = 0
        for gallery in every:
            try:
                faces += self.caught_up(gallery).count
            except IndexNotReady:
                log.info("the index of gallery %s is not ready yet", gallery.name)
            except EmbeddingsMissing as error:
                log.error("gallery %s cannot be searched: %s", gallery.name, error)
            except GalleryNotFound:
                log.info("gallery %s was deleted meanwhile", gallery.name)
        return faces

    def forget(self, gallery_id: UUID) -> None:
        """Frees the index of a deleted gallery, in memory and on this machine's disk."""
        with self._lock:
            self._entries.pop(gallery_id, None)
        self._opener.discard(gallery_id)

    def counts(self) -> dict[UUID, int]:
        """How many faces each index holds."""
        with self._lock:
            entries = dict(self._entries)
        return {key: entry.index.count for key, entry in entries.items() if entry.index is not None}

    def _bring_along(self, gallery: Gallery, entry: _Entry, patience: float) -> LiveIndex:
        if not entry.lock.acquire(timeout=patience):
            raise _not_ready(gallery)
        try:
            if entry.index is None:
                entry.index = self._opened(gallery, entry, patience)
            self._replay(gallery, entry.index)
            return entry.index
        finally:
            entry.lock.release()

    def _opened(self, gallery: Gallery, entry: _Entry, patience: float) -> LiveIndex:
        if entry.coming is None:
            entry.coming = self._openers.submit(self._opener.open, gallery)
        coming = entry.coming
        try:
            index = coming.result(timeout=patience)
        except NotYet:
            raise _not_ready(gallery) from None
        finally:
            if coming.done():  # what failed is tried again by the next caller
                entry.coming = None
        return index

    def _replay(self, gallery: Gallery, index: LiveIndex) -> None:
        while index.applied < gallery.change_number:
            with self._database.reading() as session:
                tail = changes.after(session, gallery.id, index.applied, self._opener.card.fingerprint)
            index.apply(tail)
            if not tail:
                raise GalleryNotFound("the gallery was deleted meanwhile")


def _not_ready(gallery: Gallery) -> IndexNotReady:
    return IndexNotReady(
        f"the index of gallery {gallery.name!r} is being loaded or built; try again", gallery=gallery.name
    )
