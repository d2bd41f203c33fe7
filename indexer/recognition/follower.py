"""Keeps an index of each gallery in step with PostgreSQL.

It asks the log, not its own memory: a gallery's row says how far the log goes, and the index
replays up to there before it is searched. What another process has enrolled is found for the same
reason as what this one has.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import EmbeddingsMissing, GalleryNotFound
from indexer.index.live import LiveIndex
from indexer.index.searcher import Searcher
from indexer.records import changes, galleries
from indexer.records.models import Gallery
from indexer.records.session import Database

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    index: LiveIndex | None = None


class Follower:
    """Live indexes by gallery, for one model. Safe to call from several threads."""

    def __init__(self, database: Database, card: ModelCard, make_searcher: Callable[[int], Searcher]) -> None:
        """`make_searcher`: from the dimension to an empty searcher."""
        self._database = database
        self._card = card
        self._make_searcher = make_searcher
        self._entries: dict[UUID, _Entry] = {}
        self._lock = threading.Lock()

    def caught_up(self, gallery: Gallery) -> LiveIndex:
        """The index with every change that `gallery`, as it was read, knows of; maybe later ones.

        Raises EmbeddingsMissing where faces have no embedding by this model, GalleryNotFound where the
        gallery was deleted since it was read.
        """
        with self._lock:
            entry = self._entries.setdefault(gallery.id, _Entry())
        index = entry.index
        if index is None or index.applied < gallery.change_number:
            try:
                with entry.lock:
                    index = entry.index = self._catch_up(gallery, entry.index)
            except GalleryNotFound:
                self.forget(gallery.id)
                raise
        return index

    def load_all(self) -> int:
        """Builds the index of every gallery; how many faces that makes."""
        with self._database.reading() as session:
            every = galleries.all_of_them(session)
        faces = 0
        for gallery in every:
            try:
                faces += self.caught_up(gallery).count
            except EmbeddingsMissing as error:
                log.error("gallery %s cannot be searched: %s", gallery.name, error)
            except GalleryNotFound:
                log.info("gallery %s was deleted meanwhile", gallery.name)
        return faces

    def forget(self, gallery_id: UUID) -> None:
        """Frees the index of a deleted gallery."""
        with self._lock:
            self._entries.pop(gallery_id, None)

    def counts(self) -> dict[UUID, int]:
        """How many faces each index holds."""
        with self._lock:
            entries = dict(self._entries)
        return {key: entry.index.count for key, entry in entries.items() if entry.index is not None}

    def _catch_up(self, gallery: Gallery, index: LiveIndex | None) -> LiveIndex:
        if index is None:
            index = self._from_state(gallery)
        while index.applied < gallery.change_number:
            with self._database.reading() as session:
                tail = changes.after(session, gallery.id, index.applied, self._card.fingerprint)
            index.apply(tail)
            if not tail:
                raise GalleryNotFound("the gallery was deleted meanwhile")
        return index

    def _from_state(self, gallery: Gallery) -> LiveIndex:
        with self._database.snapshot() as session:
            applied, keys, vectors = changes.state(
                session, gallery.id, self._card.fingerprint, self._card.dimension
            )
        searcher = self._make_searcher(self._card.dimension)
        return LiveIndex.from_state(searcher, applied=applied, keys=keys, vectors=vectors)
