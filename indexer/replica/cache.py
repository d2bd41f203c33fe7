"""The indexes of this process, by gallery and model."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import (
    Busy,
    DatabaseUnavailable,
    GalleryNotFound,
    ModelUnavailable,
    NotFound,
    Unavailable,
)
from indexer.index.searchable_index import SearchableIndex
from indexer.records import galleries, reindexes
from indexer.records.database.session import Database
from indexer.records.replicas import StatusReport
from indexer.records.tables import Gallery
from indexer.replica import builds
from indexer.replica.builds import IndexBuilds
from indexer.replica.cached_index import CachedIndex, IndexFactory
from indexer.replica.gallery_index import GalleryIndex
from indexer.replica.selections import SelectionCache
from indexer.replica.store import IndexStore, sweep

log = logging.getLogger(__name__)

_Key = tuple[UUID, str]
"""Gallery, and the model's fingerprint."""


class IndexCache:
    """Safe to call from several threads; `close` it.

    It asks the log, not its own memory: a gallery's row says how far the log goes, and the index replays up
    to there before it is searched. Changes of other processes are found like those of this one. A gallery has
    one index, and a second one while it changes its model.
    """

    def __init__(
        self,
        database: Database,
        store: IndexStore,
        *,
        patience_seconds: float,
        memory_bytes: float = float("inf"),
        make_index: IndexFactory = GalleryIndex,
    ) -> None:
        """`patience_seconds`: how long a caller waits for an index that is loaded, built or caught up.
        `memory_bytes`: of all indexes together; beyond, `sync` closes the least recently used."""
        self._database = database
        self._store = store
        self._patience_seconds = patience_seconds
        self._memory_bytes = memory_bytes
        self._make_index = make_index
        self._lock = threading.Lock()
        """Of the two tables; never held while something is read, built or waited for."""
        self._indexes: dict[_Key, CachedIndex] = {}
        self._unavailable: dict[_Key, str] = {}
        """Why a model cannot be opened in this process."""
        self.builds = IndexBuilds()
        self.selections = SelectionCache(database)

    def close(self) -> None:
        """Queued builds are dropped, and running ones interrupted."""
        self.builds.close()

    def caught_up(
        self, gallery: Gallery, card: ModelCard | None = None, *, patience_seconds: float | None = None
    ) -> SearchableIndex:
        """The index with every change that `gallery`, as it was read, knows of; maybe later ones.

        `card`: of the model; by default the one that the gallery is searched with.
        Raises IndexNotReady where that takes too long, for this gallery alone; EmbeddingsMissing where faces
        have no embedding by this model, GalleryNotFound where the gallery was deleted since it was read.
        """
        patience = self._patience_seconds if patience_seconds is None else patience_seconds
        index = self.of(gallery, card)
        try:
            return index.caught_up(gallery, time.monotonic() + patience)
        except GalleryNotFound:
            self.forget(gallery.id)
            raise

    def catch_up(self, gallery_id: UUID) -> None:
        """Those indexes of the gallery that are open get what the log has. Raises what `caught_up` does."""
        with self._lock:
            cards = [
                index.card for key, index in self._indexes.items() if key[0] == gallery_id and index.is_open
            ]
        if cards:
            gallery = self._store.read(gallery_id)
            for card in cards:
                self.caught_up(gallery, card)

    def try_to_catch_up(self, gallery_id: UUID) -> None:
        """An open index has a change before the answer. A search would replay it too, so a failure here,
        after the commit, is only logged."""
        try:
            self.catch_up(gallery_id)
        except (Unavailable, NotFound) as error:
            log.warning("the index of gallery %s catches up later: %s", gallery_id, error)

    def of(self, gallery: Gallery, card: ModelCard | None = None) -> CachedIndex:
        """The gallery's index, opened or not. Raises ModelUnavailable."""
        card = card or self._store.models.for_gallery(gallery)
        key = (gallery.id, card.fingerprint)
        with self._lock:
            index = self._indexes.get(key)
            if index is None:
                index = self._make_index(gallery, self._store.of_model(card), self.builds)
                self._indexes[key] = index
            return index

    def preload(self) -> list["Future[None]"]:
        """Begins to open the large galleries, the largest first, as many as there is memory for."""
        with self._database.reading() as session:
            every = galleries.list_all(session)
        for orphan in sweep.orphans(self._store.root, every):
            log.info("gallery %s was deleted: its snapshots are removed", orphan)
            self._store.discard(orphan)
        room = self._memory_bytes
        begun = []
        large = [gallery for gallery in every if gallery.face_count >= builds.SMALL_GALLERY_FACES]
        for gallery in sorted(large, key=lambda gallery: -gallery.face_count):
            try:
                index = self.of(
                    gallery
                )  # also one that is not opened is reported, and removed with its gallery
            except ModelUnavailable as error:
                log.error("cannot search gallery %s in this process: %s", gallery.name, error)
                continue
            size = gallery.face_count * self._store.of_model(index.card).tiers.bytes_per_face(gallery)
            if size > room:
                log.info("gallery %s is opened by its first search: no memory is left", gallery.name)
                continue
            room -= size
            begun.append(index.build())
        return begun

    def prepare(self, gallery: Gallery, card: ModelCard) -> None:
        """Begins to open the index of a model that the gallery may be switched to at any moment."""
        with self._lock:
            self._unavailable.pop((gallery.id, card.fingerprint), None)
        self.of(gallery, card).prepare()

    def cannot_prepare(self, gallery: Gallery, fingerprint: str, why: str) -> bool:
        """Reports that this process could not follow a switch to the model. Whether that is new."""
        key = (gallery.id, fingerprint)
        with self._lock:
            is_new = self._unavailable.get(key) != why
            self._unavailable[key] = why
        return is_new

    def sync(self, gallery_ids: Iterable[UUID] | None = None) -> None:
        """Catches up open indexes, begins rebuilds that are due, removes what is no longer needed.

        An index that fails is reported as failed, and does not hold up the others. `gallery_ids`: of
        galleries that have changed; None for all. Raises DatabaseUnavailable, Busy.
        """
        with self._lock:
            indexes = dict(self._indexes)
        if gallery_ids is not None:
            changed = set(gallery_ids)
            indexes = {key: index for key, index in indexes.items() if key[0] in changed}
        ids = {gallery_id for gallery_id, _ in indexes}
        with self._database.reading() as session:
            rows = galleries.by_ids(session, ids)
            in_use = reindexes.models_in_use(session, ids)
            searched = reindexes.models_searched(session, ids)
        for key, index in indexes.items():
            gallery_id, model = key
            gallery = rows.get(gallery_id)
            try:
                if gallery is None:
                    log.info(
                        "gallery %s was deleted: its indexes and snapshots are removed", index.gallery_name
                    )
                    self.forget(gallery_id)
                elif gallery.model_id is not None and model not in searched[gallery_id]:
                    self._retire(key, index, on_disk=model not in in_use[gallery_id])
                else:
                    index.sync(gallery, time.monotonic() + self._patience_seconds)
            except Exception as error:
                index.fall_behind(error)
                if isinstance(error, (DatabaseUnavailable, Busy)):
                    self._database.check()  # raises what concerns all of them
        self._close_least_used()

    def forget(self, gallery_id: UUID) -> None:
        """Frees the indexes of a deleted gallery, in memory and on this machine's disk."""
        with self._lock:
            for table in (self._indexes, self._unavailable):
                for key in [key for key in table if key[0] == gallery_id]:
                    del table[key]
        self._store.discard(gallery_id)

    @property
    def open_indexes(self) -> int:
        """In this process. Waits for no lock, so that readiness can be reported at any time."""
        indexes = tuple(self._indexes.values())  # in one step of the interpreter
        return sum(index.is_open for index in indexes)

    def counts(self) -> Mapping[UUID, int]:
        """How many faces the index of each gallery holds; of two the larger."""
        counts: dict[UUID, int] = {}
        for report in self.reports():
            if report.tier is not None:
                counts[report.gallery_id] = max(report.count, counts.get(report.gallery_id, 0))
        return counts

    def reports(self) -> list[StatusReport]:
        """Of every index."""
        with self._lock:
            indexes = list(self._indexes.values())
            unavailable = {key: why for key, why in self._unavailable.items() if key not in self._indexes}
        return [index.report() for index in indexes] + [
            StatusReport(gallery_id=gallery_id, model=model, state="failed", problem=why)
            for (gallery_id, model), why in unavailable.items()
        ]

    def _retire(self, key: _Key, index: CachedIndex, *, on_disk: bool) -> None:
        """The gallery has left the model for good. Where it is on its way back already, with other
        embeddings, what is on the disk may be new, and stays."""
        log.info("gallery %s no longer uses the model %s: its index is removed", index.gallery_name, key[1])
        with self._lock:
            self._indexes.pop(key, None)
        if on_disk:
            index.retire()

    def _close_least_used(self) -> None:
        with self._lock:
            by_use = sorted(self._indexes.items(), key=lambda item: item[1].used_at)
            used = sum(index.memory_bytes for _, index in by_use)
            for key, index in by_use[:-1]:  # the one that was used last stays, however large
                if used <= self._memory_bytes:
                    break
                if not index.is_building:
                    used -= index.memory_bytes
                    del self._indexes[key]
                    log.info("the index of gallery %s is closed: memory is short", index.gallery_name)
