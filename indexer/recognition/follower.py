"""Keeps an index of each gallery in step with PostgreSQL.

It asks the log, not its own memory: a gallery's row says how far the log goes, and the index
replays up to there before it is searched. What another process has enrolled is found for the same
reason as what this one has.

An index that has become unfit (too many deleted faces in it, a start would have to replay too much,
another tier is wanted, an operator asked for it) is made anew beside the one that is searched, brought
along, and exchanged under the lock that changes are applied under: nobody waits, nothing is lost.
"""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from uuid import UUID

from indexer.embedding.card import ModelCard
from indexer.errors import (
    ChangesPruned,
    EmbeddingsMissing,
    GalleryNotFound,
    IndexNotReady,
    ModelUnavailable,
)
from indexer.index.live import LiveIndex
from indexer.recognition.opening import WRITTEN_FROM, Opened, Opener
from indexer.records import changes, galleries, reindexes
from indexer.records.models import Gallery
from indexer.records.replicas import State, Told
from indexer.records.session import Database
from indexer.types import Tier

log = logging.getLogger(__name__)

_Key = tuple[UUID, str]
"""Gallery, and the model's fingerprint."""

AT_ONCE = 2
"""Indexes that are loaded or built at the same time; the others queue."""
DEAD_SHARE = 0.2
"""Of an index; with more deleted faces in it than this, and than 1,000, it is made anew."""
TAIL_SHARE = 0.1
"""Changes since its generation, of its faces; with more, and than 10,000, a new one is written."""
LEAST_DEAD = 1_000
RETRY_SECONDS = 30.0
"""After an index could not be made anew."""
ENTRY_BYTES = 16_384
"""What an open index takes besides its vectors, about."""
PRELOADED_FROM = 1_000
"""Faces; smaller galleries are opened in no time by whoever asks for them first."""


@dataclass(slots=True, eq=False)
class _Entry:
    gallery: Gallery
    """As it was last read."""
    opener: Opener
    """For the model that the index is of."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever applies changes to the index, or exchanges it."""
    opened: Opened | None = None
    coming: "Future[None] | None" = None
    """While a thread of its own loads or builds the index, or the one that will take its place."""
    problem: str | None = None
    retry_at: float = 0.0
    gpu_asked_at: float = 0.0
    """When the GPUs were last asked whether they have room for it now."""
    used_at: float = field(default_factory=time.monotonic)

    @property
    def card(self) -> ModelCard:
        return self.opener.card

    @property
    def memory_bytes(self) -> int:
        return ENTRY_BYTES + (0 if self.opened is None else self.opened.index.memory_bytes)


class Follower:
    """Live indexes by gallery and model. Safe to call from several threads; `close` it.

    A gallery has one, and a second one while it changes its model: then both are followed.
    """

    def __init__(
        self,
        database: Database,
        opener: Opener,
        *,
        patience_seconds: float,
        memory_bytes: float = float("inf"),
    ) -> None:
        """`patience_seconds`: how long a caller waits for an index that is loaded, built or brought along.
        `memory_bytes`: for all indexes together; beyond, the least recently used are closed by `tend`."""
        self._database = database
        self._opener = opener
        self._patience = patience_seconds
        self._memory_bytes = memory_bytes
        self._entries: dict[_Key, _Entry] = {}
        self._problems: dict[_Key, str] = {}
        """Of indexes whose model cannot even be opened here."""
        self._lock = threading.Lock()
        self._openers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="index")
        self._closing = False

    def close(self) -> None:
        """What is queued is dropped; what is being built ends with its next batch."""
        with self._lock:
            self._closing = True
        self._openers.shutdown(cancel_futures=True)

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
        opened = entry.opened
        if opened is not None and opened.index.applied >= gallery.change_number:
            return opened.index
        deadline = time.monotonic() + patience
        try:
            while True:
                if entry.opened is None:
                    self._await(entry, deadline)
                index = self._bring_along(gallery, entry, deadline)
                if index is not None:
                    return index
        except GalleryNotFound:
            self.forget(gallery.id)
            raise

    def bring_along(self, gallery_id: UUID) -> None:
        """Those indexes of the gallery that are open get what the log has. Raises what `caught_up` does."""
        with self._lock:
            cards = [
                e.card for key, e in self._entries.items() if key[0] == gallery_id and e.opened is not None
            ]
        if cards:
            gallery = self._opener.read(gallery_id)
            for card in cards:
                self.caught_up(gallery, card)

    def prepare(self, gallery: Gallery, card: ModelCard) -> None:
        """Begins to open the index of a model that the gallery may be switched to at any moment."""
        with self._lock:
            self._problems.pop((gallery.id, card.fingerprint), None)
        entry = self._entry(gallery, card)
        entry.used_at = time.monotonic()
        if entry.opened is None and entry.coming is None and time.monotonic() >= entry.retry_at:
            self._coming(entry)

    def cannot_prepare(self, gallery: Gallery, fingerprint: str, why: str) -> None:
        """Whoever asks is told that this process would not follow a switch to that model."""
        with self._lock:
            self._problems[gallery.id, fingerprint] = why

    def preload(self) -> list["Future[None]"]:
        """Begins to open the large galleries, the largest first, as many as there is memory for."""
        with self._database.reading() as session:
            every = galleries.all_of_them(session)
        coming = []
        room = self._memory_bytes
        for gallery in sorted(every, key=lambda gallery: -gallery.face_count):
            try:
                entry = self._entry(gallery)
            except ModelUnavailable as error:
                log.error("gallery %s cannot be searched here: %s", gallery.name, error)
                continue
            room -= gallery.face_count * entry.opener.bytes_per_face(gallery)
            if room < 0 or gallery.face_count < PRELOADED_FROM:
                break
            coming.append(self._coming(entry))
        return coming

    def tend(self, gallery_ids: Iterable[UUID] | None = None) -> None:
        """Brings open indexes along and has them made anew where that is due; closes what is too much.

        `gallery_ids`: of galleries that have changed; None for all. Raises DatabaseUnavailable, Busy.
        """
        with self._lock:
            entries = dict(self._entries)
        wanted = set(entries)
        if gallery_ids is not None:
            changed = set(gallery_ids)
            wanted = {key for key in wanted if key[0] in changed}
        before = {key: entries[key].opened for key in wanted}
        applied = {key: opened.index.applied for key, opened in before.items() if opened is not None}
        ids = {gallery_id for gallery_id, _ in wanted}
        with self._database.reading() as session:
            known = galleries.of_ids(session, ids)
            in_use = reindexes.models_in_use(session, ids)
        for key in wanted:
            entry, gallery = entries[key], known.get(key[0])
            if gallery is None:
                log.info("gallery %s was deleted: its index goes too", entry.gallery.name)
                self.forget(key[0])
                continue
            entry.gallery = gallery
            if gallery.model_id is not None and key[1] not in in_use[key[0]]:
                self._retire(key, entry)
                continue
            if entry.opened is None:
                continue
            if applied.get(key, 0) > gallery.change_number:
                log.error(
                    "PostgreSQL was set back: it ends at change %d of %s, whose index has change %d",
                    gallery.change_number,
                    gallery.name,
                    applied[key],
                )
                self._drop(entry)
                continue
            try:
                self._bring_along(gallery, entry, time.monotonic() + self._patience)
            except (IndexNotReady, GalleryNotFound):
                continue
            except EmbeddingsMissing as error:
                entry.problem = error.message
                continue
            self._renew_if_due(entry)
        self._close_least_used()

    def forget(self, gallery_id: UUID) -> None:
        """Frees the indexes of a deleted gallery, in memory and on this machine's disk."""
        with self._lock:
            for held in (self._entries, self._problems):
                for key in [key for key in held if key[0] == gallery_id]:
                    del held[key]
        self._opener.discard(gallery_id)

    def counts(self) -> dict[UUID, int]:
        """How many faces the index of each gallery holds; of two the larger."""
        counts: dict[UUID, int] = {}
        for told in self.told():
            if told.tier is not None:
                counts[told.gallery_id] = max(told.count, counts.get(told.gallery_id, 0))
        return counts

    def told(self) -> list[Told]:
        """Of each index: where it is."""
        with self._lock:
            entries = list(self._entries.values())
            problems = {key: why for key, why in self._problems.items() if key not in self._entries}
        failed = [
            Told(gallery_id=key[0], model=key[1], state="failed", problem=why)
            for key, why in problems.items()
        ]
        return [self._told(entry) for entry in entries] + failed

    def _entry(self, gallery: Gallery, card: ModelCard | None = None) -> _Entry:
        """Raises ModelUnavailable."""
        card = card or self._opener.models.of(gallery)
        key = (gallery.id, card.fingerprint)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                entry = self._entries[key] = _Entry(gallery, self._opener.of_model(card))
            return entry

    def _retire(self, key: _Key, entry: _Entry) -> None:
        """An index of a model that the gallery has left for good."""
        log.info("gallery %s is done with %s: its index goes", entry.gallery.name, key[1])
        with self._lock:
            self._entries.pop(key, None)
        entry.opener.shelf(entry.gallery).remove()

    def _await(self, entry: _Entry, deadline: float) -> None:
        """Until there is an index. Raises IndexNotReady, and what opening it does."""
        try:
            self._coming(entry).result(timeout=max(0.0, deadline - time.monotonic()))
        except (NotYet, CancelledError):
            raise _not_ready(entry.gallery) from None

    def _bring_along(self, gallery: Gallery, entry: _Entry, deadline: float) -> LiveIndex | None:
        """None where the log no longer tells what the index lacks: it is dropped, to be opened anew."""
        if not entry.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise _not_ready(gallery)
        try:
            if entry.opened is None:
                return None
            self._replay(entry, entry.opened.index, gallery.change_number)
            return entry.opened.index
        except ChangesPruned as error:
            log.warning("the index of %s is opened anew: %s", gallery.name, error)
            entry.opened = None
            return None
        finally:
            entry.lock.release()

    def _replay(self, entry: _Entry, index: LiveIndex, number: int | None = None) -> None:
        """Up to change `number`, or the end of the log."""
        while number is None or index.applied < number:
            with self._database.reading() as session:
                tail = changes.after(session, entry.gallery.id, index.applied, entry.card.fingerprint)
            if not tail:
                return
            index.apply(tail)

    def _drop(self, entry: _Entry) -> None:
        with entry.lock:
            entry.opened = None

    def _coming(self, entry: _Entry) -> "Future[None]":
        """The opening of an index, begun if need be."""
        with self._lock:
            if self._closing:
                raise _not_ready(entry.gallery)
            if entry.coming is None:
                entry.coming = self._openers.submit(self._open, entry)
            return entry.coming

    def _open(self, entry: _Entry) -> None:
        """In a thread of its own: the index as it should be, in the place of the one that there is."""
        try:
            old = entry.opened
            at_least = 0 if old is None else old.index.applied
            fresh = entry.opener.open(entry.gallery.id, at_least=at_least, progress=self._go_on)
            self._replay(entry, fresh.index)
            with entry.lock:
                # An index may have been brought along further meanwhile, and must not go back.
                if entry.opened is not None:
                    self._replay(entry, fresh.index, entry.opened.index.applied)
                entry.opened = fresh
            entry.problem = fresh.refused
            entry.gpu_asked_at = time.monotonic()
        except Exception as error:
            serving = "nothing serves" if entry.opened is None else "the old one serves"
            log.error("the index of %s could not be made, %s: %s", entry.gallery.name, serving, error)
            entry.problem = str(error)
            entry.retry_at = time.monotonic() + RETRY_SECONDS
            raise
        finally:
            with self._lock:
                entry.coming = None

    def _go_on(self, _: int) -> None:
        if self._closing:
            raise IndexNotReady("the process ends")

    def _renew_if_due(self, entry: _Entry) -> None:
        if entry.coming is not None or time.monotonic() < entry.retry_at:
            return
        due = self._due(entry)
        if due is None:
            return
        log.info("the index of %s is made anew: %s", entry.gallery.name, due)
        self._coming(entry)

    def _due(self, entry: _Entry) -> str | None:
        opened, gallery = entry.opened, entry.gallery
        if opened is None:
            return None
        index = opened.index
        if gallery.index_epoch > opened.epoch:
            return "it was asked for"
        if not entry.opener.fits(opened.wanted, gallery):
            return f"{entry.opener.wanted(gallery)} is wanted, not {opened.wanted}"
        if opened.for_gpu != entry.opener.for_gpu(gallery):
            return "it is wanted elsewhere: on the GPUs, or no longer there"
        if opened.for_gpu and index.tier is not Tier.GPU and self._gpu_has_room(entry, index.count):
            return "the GPUs have room for it now"
        if index.tombstones > max(LEAST_DEAD, DEAD_SHARE * index.count):
            return f"{index.tombstones} deleted faces are still in it"
        tail = index.applied - opened.applied
        if index.count >= WRITTEN_FROM and tail > max(WRITTEN_FROM, TAIL_SHARE * index.count):
            return f"{tail} changes are not on the disk"
        return None

    def _gpu_has_room(self, entry: _Entry, count: int) -> bool:
        """As far as is known: they are not asked at every turn."""
        if time.monotonic() < entry.gpu_asked_at + RETRY_SECONDS:
            return False
        entry.gpu_asked_at = time.monotonic()
        return entry.opener.gpu_shortcoming(count) is None

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

    def _told(self, entry: _Entry) -> Told:
        opened, coming = entry.opened, entry.coming is not None
        state: State = "opening" if coming or entry.problem is None else "failed"
        if opened is not None:
            state = "renewing" if coming else "ready"
        index = None if opened is None else opened.index.state()
        return Told(
            gallery_id=entry.gallery.id,
            state=state,
            problem=entry.problem,
            model=entry.card.fingerprint,
            tier=None if index is None else index.tier,
            generation=None if opened is None else opened.generation,
            applied=0 if index is None else index.applied,
            count=0 if index is None else index.count,
            tombstones=0 if index is None else index.tombstones,
            memory_bytes=0 if index is None else index.memory_bytes,
            digest=None if index is None else index.digest,
        )


def _not_ready(gallery: Gallery) -> IndexNotReady:
    return IndexNotReady(
        f"the index of gallery {gallery.name!r} is being loaded or built; try again", gallery=gallery.name
    )
