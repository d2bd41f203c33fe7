"""A gallery's index as a serving process has it: in shards where a set serves, or in this process.

PostgreSQL says which it is. The index of this process serves until a set is active, and is closed then.
"""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import replace

from indexer.cluster.connection import RayConnection
from indexer.cluster.search.active_set import ActiveSet
from indexer.cluster.search.copies import Counts
from indexer.cluster.search.shard_calls import ShardCalls
from indexer.embedding.card import ModelCard
from indexer.index.searchable_index import SearchableIndex
from indexer.records import shard_sets
from indexer.records.replicas import StatusReport
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.cached_index import CachedIndex
from indexer.replica.gallery_index import ENTRY_BYTES, GalleryIndex
from indexer.replica.lifecycle import describe
from indexer.replica.store import IndexStore
from indexer.types import GalleryState, IndexedGallery

log = logging.getLogger(__name__)

SYNC_SECONDS = 2.0
"""That `sync` waits for shards at most: the other galleries of this process wait meanwhile."""


class ShardedGallery:
    """A `CachedIndex`. Safe to call from several threads."""

    def __init__(
        self,
        gallery: Gallery,
        store: IndexStore,
        builds: IndexBuilds,
        connection: RayConnection,
        counts: Counts,
        *,
        least_faces: int,
    ) -> None:
        """`store`: the model's store. Opens nothing. `counts`: of all galleries of this process. No smaller
        gallery than `least_faces` has shards: PostgreSQL is not queried for them."""
        self._gallery = gallery
        self._store = store
        self._builds = builds
        self._connection = connection
        self._counts = counts
        self._least_faces = least_faces
        self._lock = threading.Lock()
        """Held while the set in use is replaced."""
        self._local: CachedIndex | None = None
        self._set: ActiveSet | None = None
        self._known = False
        """Whether PostgreSQL was queried for the set."""
        self._problem: str | None = None
        self._awaits_shards = False
        """Whether `prepare` has opened nothing, for the gallery has shards by another model."""
        self._used_at = time.monotonic()

    @property
    def gallery_name(self) -> str:
        return self._gallery.name

    @property
    def card(self) -> ModelCard:
        return self._store.card

    @property
    def is_open(self) -> bool:
        return self._set is not None or (self._local is not None and self._local.is_open)

    @property
    def is_building(self) -> bool:
        local = self._local
        return local is not None and local.is_building

    @property
    def used_at(self) -> float:
        return self._used_at

    @property
    def memory_bytes(self) -> int:
        local = self._local
        return ENTRY_BYTES if local is None else local.memory_bytes

    @property
    def active(self) -> ActiveSet | None:
        """The set that serves, as far as this process knows."""
        return self._set

    def report(self) -> StatusReport:
        current, local = self._set, self._local
        if current is None:
            report = (local or self._here()).report()
            if self._awaits_shards and report.state == "opening":
                return replace(report, problem="no shards by this model are active yet")
            return report
        return current.report(self.card.fingerprint, self._problem)

    def caught_up(self, gallery: IndexedGallery, deadline: float) -> SearchableIndex:
        """Raises IndexNotReady at the deadline, EmbeddingsMissing, GalleryNotFound, DatabaseUnavailable."""
        self._used_at = now = time.monotonic()
        current = self._current()
        if current is None:
            return self._here().caught_up(gallery, deadline)
        self._connection.check(gallery.name, deadline - now)
        return current.index(GalleryState.of(gallery), max(0.0, deadline - now), deadline)

    def prepare(self) -> None:
        """Where the gallery has shards by another model, or is getting some by this one, nothing is opened
        here, for the whole index may be larger than this machine. Raises DatabaseUnavailable."""
        self._used_at = time.monotonic()
        if self._current() is not None:
            return
        self._awaits_shards = self._has_shards()
        if not self._awaits_shards:
            self._here().prepare()

    def sync(self, gallery: Gallery, deadline: float) -> None:
        """Reads which set serves, and catches it up, so that the report of this process is true.

        Raises IndexNotReady where its shards need more than SYNC_SECONDS; the next round tries again.
        """
        self._gallery = gallery
        self._read_active()
        current = self._set
        if current is None:
            if self._local is not None:
                self._local.sync(gallery, deadline)
            return
        self._connection.check(gallery.name)
        current.sync(GalleryState.of(gallery), min(deadline, time.monotonic() + SYNC_SECONDS))
        self._problem = None

    def fall_behind(self, error: Exception) -> None:
        if self._set is None and self._local is not None:
            self._local.fall_behind(error)
            return
        problem = describe(error)
        if self._problem != problem:
            log.error("cannot keep the shards of gallery %s up to date: %s", self.gallery_name, problem)
        self._problem = problem

    def build(self) -> "Future[None]":
        """Only the index of this process: shards are built by their own."""
        if self._current() is None:
            return self._here().build()
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def retire(self) -> None:
        """What this machine's disk has. The shards of the model are stopped by `shard_sets`."""
        self._here().retire()

    def _here(self) -> CachedIndex:
        """The index of this process, made if need be."""
        with self._lock:
            if self._local is None:
                self._local = GalleryIndex(self._gallery, self._store, self._builds)
            return self._local

    def _current(self) -> "ActiveSet | None":
        """Raises DatabaseUnavailable."""
        if not self._known:
            self._read_active()
        return self._set

    def _has_shards(self) -> bool:
        """Whether the gallery is searched in shards, by whatever model, or is getting some by this one."""
        if self._gallery.face_count < self._least_faces:
            return False
        with self._store.database.reading() as session:
            in_use = shard_sets.in_use(session, [self._gallery.id])
        return any(one.state == "active" or one.model == self.card.fingerprint for one in in_use)

    def _read_active(self) -> None:
        if self._set is None and self._gallery.face_count < self._least_faces:
            return
        with self._store.database.reading() as session:
            row = shard_sets.active(session, self._gallery.id, self.card.fingerprint)
        with self._lock:
            self._known = True
            if row is None:
                if self._set is not None:
                    log.info("gallery %s is searched in this process again", self.gallery_name)
                self._set = None
            elif self._set is None or self._set.id != row.id:
                log.info("gallery %s is searched in %d shards", self.gallery_name, row.shards)
                self._set = ActiveSet(row, ShardCalls(self._connection, row), self._counts)
                self._local = None  # searches that have it keep it
