"""Keeps an index of each gallery in step with PostgreSQL.

It asks the log, not its own memory: a gallery's row says how far the log goes, and the index
replays up to there before it is searched. What another process has enrolled is found for the same
reason as what this one has. An index of another history, as a restored backup leaves it, is dropped.
"""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import (
    Busy,
    DatabaseUnavailable,
    GalleryNotFound,
    IndexNotReady,
    ModelUnavailable,
    Unusable,
)
from indexer.index.live import LiveIndex
from indexer.records import changes, galleries, reindexes
from indexer.records.database.session import Database
from indexer.records.replicas import StatusReport
from indexer.records.tables import Gallery
from indexer.replica.builds import SMALL_BELOW, IndexBuilds
from indexer.replica.gallery_index import GalleryIndex, cannot_open, not_ready
from indexer.replica.store import IndexStore, StoredIndex

log = logging.getLogger(__name__)

_Key = tuple[UUID, str]
"""Gallery, and the model's fingerprint."""


class IndexCache:
    """Live indexes by gallery and model. Safe to call from several threads; `close` it.

    A gallery has one, and a second one while it changes its model: then both are followed.
    """

    def __init__(
        self,
        database: Database,
        index_store: IndexStore,
        *,
        patience_seconds: float,
        memory_bytes: float = float("inf"),
    ) -> None:
        """`patience_seconds`: how long a caller waits for an index that is loaded, built or brought along.
        `memory_bytes`: for all indexes together; beyond, the least recently used are closed by `sync`."""
        self._database = database
        self._index_store = index_store
        self._patience = patience_seconds
        self._memory_bytes = memory_bytes
        self._entries: dict[_Key, GalleryIndex] = {}
        self._problems: dict[_Key, str] = {}
        """Of indexes whose model cannot even be opened here."""
        self._lock = threading.Lock()
        self._renewer = IndexBuilds(database)

    def close(self) -> None:
        """What is queued is dropped, and what is being built is interrupted."""
        self._renewer.close()

    def caught_up(
        self, gallery: Gallery, card: ModelCard | None = None, *, patience_seconds: float | None = None
    ) -> LiveIndex:
        """The index with every change that `gallery`, as it was read, knows of; maybe later ones.

        `card`: of the model; by default the one that the gallery is searched with.
        Raises IndexNotReady where that takes too long, for this gallery alone; EmbeddingsMissing where
        faces have no embedding by this model, GalleryNotFound where the gallery was deleted since it
        was read.
        """
        patience = self._patience if patience_seconds is None else patience_seconds
        entry = self._entry(gallery, card)
        entry.used_at = time.monotonic()
        deadline = time.monotonic() + patience
        try:
            while True:
                if entry.opened is None:
                    self._await(entry, deadline)
                index = self._in_step(gallery, entry, deadline)
                if index is not None:
                    return index
                if time.monotonic() > deadline:
                    raise not_ready(gallery)
        except GalleryNotFound:
            self.forget(gallery.id)
            raise

    def catch_up(self, gallery_id: UUID) -> None:
        """Those indexes of the gallery that are open get what the log has. Raises what `caught_up` does."""
        with self._lock:
            cards = [
                e.card for key, e in self._entries.items() if key[0] == gallery_id and e.opened is not None
            ]
        if cards:
            gallery = self._index_store.read(gallery_id)
            for card in cards:
                self.caught_up(gallery, card)

    def prepare(self, gallery: Gallery, card: ModelCard) -> None:
        """Begins to open the index of a model that the gallery may be switched to at any moment."""
        with self._lock:
            self._problems.pop((gallery.id, card.fingerprint), None)
        entry = self._entry(gallery, card)
        entry.used_at = time.monotonic()
        if entry.opened is None and entry.coming is None and time.monotonic() >= entry.retry_at:
            self._renewer.coming(entry)

    def cannot_prepare(self, gallery: Gallery, fingerprint: str, why: str) -> bool:
        """Whoever asks is told that this process would not follow a switch to it. Whether that is news."""
        key = (gallery.id, fingerprint)
        with self._lock:
            news = self._problems.get(key) != why
            self._problems[key] = why
        return news

    def preload(self) -> list["Future[None]"]:
        """Begins to open the large galleries, the largest first, as many as there is memory for."""
        with self._database.reading() as session:
            every = galleries.list_all(session)
        for orphan in self._index_store.orphans(every):
            log.info("gallery %s was deleted: its index is removed from the disk", orphan)
            self._index_store.discard(orphan)
        coming = []
        room = self._memory_bytes
        large = [gallery for gallery in every if gallery.face_count >= SMALL_BELOW]
        for gallery in sorted(large, key=lambda gallery: -gallery.face_count):
            try:
                entry = self._entry(gallery)
            except ModelUnavailable as error:
                log.error("gallery %s cannot be searched here: %s", gallery.name, error)
                continue
            wanted = gallery.face_count * entry.index_store.bytes_per_face(gallery)
            if wanted > room:
                log.info(
                    "gallery %s is opened by its first search: there is no memory to preload it", gallery.name
                )
                continue
            room -= wanted
            coming.append(self._renewer.coming(entry))
        return coming

    def sync(self, gallery_ids: Iterable[UUID] | None = None) -> None:
        """Brings open indexes along and has them made anew where that is due; closes what is too much.

        An index that fails is reported as failed, and does not hold up the others. `gallery_ids`: of
        galleries that have changed; None for all. Raises DatabaseUnavailable, Busy.
        """
        with self._lock:
            entries = dict(self._entries)
        wanted = set(entries)
        if gallery_ids is not None:
            changed = set(gallery_ids)
            wanted = {key for key in wanted if key[0] in changed}
        ids = {gallery_id for gallery_id, _ in wanted}
        with self._database.reading() as session:
            known = galleries.by_ids(session, ids)
            in_use = reindexes.models_in_use(session, ids)
            searched = reindexes.models_in_use(session, ids, reindexes.SWITCHABLE)
        for key in wanted:
            gallery = known.get(key[0])
            try:
                self._tend_one(key, entries[key], gallery, in_use, searched)
            except Exception as error:
                entries[key].fall_behind(error)
                if isinstance(error, (DatabaseUnavailable, Busy)):
                    self._database.check()  # raises what concerns all of them
        self._close_least_used()

    def _tend_one(
        self,
        key: _Key,
        entry: GalleryIndex,
        gallery: Gallery | None,
        in_use: dict[UUID, dict[str, int]],
        searched: dict[UUID, dict[str, int]],
    ) -> None:
        """`gallery`: as it is now, None if deleted."""
        if gallery is None:
            log.info("gallery %s was deleted: its index goes too", entry.gallery.name)
            self.forget(key[0])
            return
        entry.gallery = gallery
        if gallery.model_id is not None and key[1] not in searched[key[0]]:
            self._retire(key, entry, on_disk=key[1] not in in_use[key[0]])
            return
        if entry.opened is None:
            return
        try:
            if self._in_step(gallery, entry, time.monotonic() + self._patience) is None:
                self._renewer.coming(entry)  # before anybody asks
                return
        except (IndexNotReady, GalleryNotFound):
            return
        entry.behind = None
        self._renewer.renew_if_due(entry)

    def forget(self, gallery_id: UUID) -> None:
        """Frees the indexes of a deleted gallery, in memory and on this machine's disk."""
        with self._lock:
            for held in (self._entries, self._problems):
                for key in [key for key in held if key[0] == gallery_id]:
                    del held[key]
        self._index_store.discard(gallery_id)

    @property
    def open_indexes(self) -> int:
        """In this process. Waits for no lock, so that whoever must not wait may ask."""
        entries = tuple(self._entries.values())  # in one step of the interpreter
        return sum(entry.opened is not None for entry in entries)

    def counts(self) -> dict[UUID, int]:
        """How many faces the index of each gallery holds; of two the larger."""
        counts: dict[UUID, int] = {}
        for told in self.reports():
            if told.tier is not None:
                counts[told.gallery_id] = max(told.count, counts.get(told.gallery_id, 0))
        return counts

    def reports(self) -> list[StatusReport]:
        """Of each index: where it is."""
        with self._lock:
            entries = list(self._entries.values())
            problems = {key: why for key, why in self._problems.items() if key not in self._entries}
        failed = [
            StatusReport(gallery_id=key[0], model=key[1], state="failed", problem=why)
            for key, why in problems.items()
        ]
        return [entry.told() for entry in entries] + failed

    def _entry(self, gallery: Gallery, card: ModelCard | None = None) -> GalleryIndex:
        """Raises ModelUnavailable."""
        card = card or self._index_store.models.for_gallery(gallery)
        key = (gallery.id, card.fingerprint)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = GalleryIndex(gallery, self._index_store.of_model(card))
            return entry

    def _retire(self, key: _Key, entry: GalleryIndex, *, on_disk: bool) -> None:
        """An index of a model that the gallery has left for good.

        Where it is on its way back already, with other embeddings, only what is on the disk may be new.
        """
        log.info("gallery %s is done with %s: its index goes", entry.gallery.name, key[1])
        with self._lock:
            self._entries.pop(key, None)
        if on_disk:
            entry.retired = True  # before the removal: what is being made meanwhile removes itself
            entry.index_store.snapshots(entry.gallery).remove()

    def _await(self, entry: GalleryIndex, deadline: float) -> None:
        """Until there is an index. Raises IndexNotReady, and what opening it does, or did a moment ago."""
        entry.check_openable()
        try:
            self._renewer.coming(entry).result(timeout=max(0.0, deadline - time.monotonic()))
        except (NotYet, CancelledError):
            raise not_ready(entry.gallery) from None
        except Unusable as error:  # the database was set back while it was being opened
            log.warning("the index of %s is opened anew: %s", entry.gallery.name, error)
        except Exception as error:
            raise cannot_open(entry.gallery, error) from error

    def _in_step(self, gallery: Gallery, entry: GalleryIndex, deadline: float) -> LiveIndex | None:
        """The open index with every change that `gallery` knows of.

        None where there is none, and where it cannot be brought there: then it was dropped, to be opened
        anew, since the log no longer tells what it lacks, or has another history. Raises IndexNotReady.
        """
        opened = entry.opened
        if opened is None:
            return None
        position = opened.index.position
        try:
            if (
                gallery.model_fingerprint == entry.card.fingerprint
                and gallery.embedded_by != opened.embedded_by
            ):
                self._check_embeddings(gallery, entry, opened)
            if position.number < gallery.change_number:
                self._catch_up(gallery, entry, opened, deadline)
            elif position != gallery.position:
                # Either somebody has replayed what came after `gallery` was read, or the log is another.
                with self._database.reading() as session:
                    changes.check(session, gallery.id, position)
        except Unusable as error:
            entry.drop(opened, error)
            return None
        return opened.index

    def _catch_up(self, gallery: Gallery, entry: GalleryIndex, opened: StoredIndex, deadline: float) -> None:
        """Raises IndexNotReady, ChangesPruned, LogForked, EmbeddingsMissing, GalleryNotFound."""
        if not entry.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise not_ready(gallery)
        try:
            self._renewer.replay(entry, opened.index, gallery.change_number)
        finally:
            entry.lock.release()

    def _check_embeddings(self, gallery: Gallery, entry: GalleryIndex, opened: StoredIndex) -> None:
        """Asks the database itself: `gallery` may have been read a while ago. Raises EmbeddingsReplaced."""
        with self._database.reading() as session:
            reindexes.check_embedded_by(session, gallery.id, entry.card.fingerprint, opened.embedded_by)

    def _close_least_used(self) -> None:
        with self._lock:
            entries = sorted(self._entries.items(), key=lambda item: item[1].used_at)
            used = sum(entry.memory_bytes for _, entry in entries)
            for key, entry in entries[:-1]:  # the one that is used now stays, however large
                if used <= self._memory_bytes:
                    break
                if entry.coming is None:
                    used -= entry.memory_bytes
                    del self._entries[key]
                    log.info("the index of %s is closed: others are used more", entry.gallery.name)
