"""One gallery's index by one model, in this process: opened, kept caught up, rebuilt and replaced."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import partial

from indexer.embedding.card import ModelCard
from indexer.errors import Busy, DatabaseUnavailable, GalleryNotFound, GemelError, IndexNotReady, Unusable
from indexer.index.live import LiveIndex
from indexer.records.replicas import StatusReport
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.lifecycle import Lifecycle, cannot_open, describe, not_ready
from indexer.replica.rebuild_policy import MAX_RETRY_SECONDS, reason_to_rebuild
from indexer.replica.store import IndexStore, StoredIndex
from indexer.types import IndexedGallery

log = logging.getLogger(__name__)

ENTRY_BYTES = 16_384
"""Memory that an index takes besides its vectors, roughly."""


class GalleryIndex:
    """Safe to call from several threads. A search keeps the index that it was given, even if it is replaced.
    `_applying` is held by the one thread that applies changes or swaps. Searches wait for it, to a deadline.
    `_life` is an immutable record; `_lock` is held only while it is replaced or a build is queued.
    Reports read `_life` without a lock and a drop takes only `_lock`: neither waits for a stuck thread.
    """

    def __init__(self, gallery: Gallery, store: IndexStore, builds: IndexBuilds) -> None:
        """`store`: the model's store. Opens nothing."""
        self._gallery = gallery  # its row, as `sync` last saw it
        self._store = store
        self._builds = builds
        self._log = store.log(gallery.id)
        self._applying = threading.Lock()
        self._lock = threading.Lock()
        self._life = Lifecycle()
        self._used_at = time.monotonic()
        self._gpu_checked_at = 0.0

    @property
    def gallery_name(self) -> str:
        return self._gallery.name

    @property
    def card(self) -> ModelCard:
        return self._store.card

    @property
    def is_open(self) -> bool:
        return self._life.serving is not None

    @property
    def is_building(self) -> bool:
        return self._life.build is not None

    @property
    def used_at(self) -> float:
        return self._used_at

    @property
    def memory_bytes(self) -> int:
        serving = self._life.serving
        return ENTRY_BYTES + (0 if serving is None else serving.index.memory_bytes)

    def report(self) -> StatusReport:
        return self._life.report(self._gallery.id, self.card.fingerprint, self._store.part)

    def caught_up(self, gallery: IndexedGallery, deadline: float) -> LiveIndex:
        """Returns the index with every change up to the number in `gallery`, maybe with later ones.

        Opens it first if need be. Raises IndexNotReady at the deadline, EmbeddingsMissing, GalleryNotFound.
        After a failed opening it raises that error at once, until the next attempt is due.
        """
        self._used_at = time.monotonic()
        while True:
            if self._life.serving is None:
                self._await_opening(deadline)
            index = self._catch_up(gallery, deadline)
            if index is not None:
                return index
            if time.monotonic() > deadline:
                raise not_ready(gallery, "is being opened")

    def prepare(self) -> None:
        """Begins to open it: the gallery may be switched to this model at any moment."""
        self._used_at = now = time.monotonic()
        if self._life.serving is None and self._life.may_build(now):
            self.build()

    def sync(self, gallery: Gallery, deadline: float) -> None:
        """Catches it up if it is open, and begins a rebuild if one is due; waits for no build.

        `gallery`: its row as it is now. The sync thread passes every exception to `fall_behind`.
        """
        self._gallery = gallery
        if self._life.serving is None:
            return
        try:
            if self._catch_up(gallery, deadline) is None:
                self.build()  # so that the next search need not wait
                return
        except (IndexNotReady, GalleryNotFound):
            return  # the next round continues, or removes it
        self._step(lambda life: life.set_lag_problem(None))
        life = self._life
        if life.serving is not None and life.may_build(time.monotonic()):
            number, tiers = self._store.requested_rebuild(gallery), self._store.tiers
            reason = reason_to_rebuild(life.serving, gallery, number, tiers, self._gpu_has_room)
            if reason is not None:
                log.info("rebuilding the index of gallery %s: %s", gallery.name, reason)
                self.build()

    def fall_behind(self, error: Exception) -> None:
        """Records why `sync` failed, for `report`. Logs a new reason, unexpected ones with a traceback."""
        problem = describe(error)
        if self._life.lag_problem != problem:
            log.error(
                "cannot keep the index of gallery %s by %s up to date: %s",
                self._gallery.name,
                self.card.fingerprint,
                problem,
                exc_info=None if isinstance(error, GemelError) else error,
            )
        self._step(lambda life: life.set_lag_problem(problem))

    def build(self) -> "Future[None]":
        """Begins to open it, or to rebuild it beside the index that serves. A build that is queued or running
        is returned. Raises IndexNotReady if the process is stopping."""
        with self._lock:
            if self._life.build is not None:
                return self._life.build
            try:
                build = self._builds.submit(
                    self._build, faces=self._gallery.face_count, first=self._life.serving is None
                )
            except CancelledError:
                raise not_ready(self._gallery, "is not opened, because the process is stopping") from None
            self._life = self._life.start_build(build)
            return build

    def swap(self, fresh: StoredIndex) -> None:
        """Replaces the serving index by `fresh`, after applying to `fresh` every change that it lacks."""
        with self._applying:
            serving = self._life.serving
            if serving is not None:
                while fresh.index.applied < serving.index.applied and (tail := self._log.tail(fresh.index)):
                    fresh.index.apply(tail)
            self._step(lambda life: life.swap_in(fresh))
        self._gpu_checked_at = time.monotonic()

    def retire(self) -> None:
        """Removes the snapshots of a model that the gallery has left, also of a build that still runs."""
        self._step(Lifecycle.retire)  # first: a running build sees it and removes its own files
        self._store.snapshots(self._gallery).remove()

    def _catch_up(self, gallery: IndexedGallery, deadline: float) -> LiveIndex | None:
        """The open index with every change up to the number in `gallery`. None if no index is open, or if
        this one can never catch up: it is then dropped, to be opened again. Raises IndexNotReady."""
        serving = self._life.serving
        if serving is None:
            return None
        index = serving.index
        position = index.position
        try:
            self._log.check_embeddings(serving, gallery)
            if position.number < gallery.change_number:
                with self._alone(gallery, deadline):
                    while index.applied < gallery.change_number and (tail := self._log.tail(index)):
                        index.apply(tail)
                        if index.applied < gallery.change_number and time.monotonic() > deadline:
                            raise not_ready(gallery, "is catching up")  # the next caller continues
            elif position != gallery.position:
                # Later changes were applied after `gallery` was read; or the database was restored.
                self._log.check_position(index)
        except Unusable as error:
            if self._step(lambda life: life.drop(serving)):
                log.warning("the index of gallery %s is dropped and opened again: %s", gallery.name, error)
            return None
        return index

    def _await_opening(self, deadline: float) -> None:
        """Begins the opening if need be, waits for it, and raises its error, or that of a moment ago."""
        life = self._life
        if life.build is None and life.build_error is not None and time.monotonic() < life.retry_at:
            raise cannot_open(self._gallery, life.build_error)
        try:
            self.build().result(timeout=max(0.0, deadline - time.monotonic()))
        except (TimeoutError, CancelledError):
            raise not_ready(self._gallery, "is being opened") from None
        except Unusable as error:  # the database was restored while the index was being opened
            log.warning("the index of gallery %s is opened again: %s", self._gallery.name, error)
        except Exception as error:
            raise cannot_open(self._gallery, error) from error

    def _build(self) -> None:
        """Runs in a thread of `builds`. The index that serves continues to serve."""
        serving = self._life.serving
        at_least = 0 if serving is None else serving.index.applied
        try:
            fresh = self._store.open(self._gallery.id, at_least=at_least)
            self._apply_the_log(fresh.index, first=serving is None)
            self.swap(fresh)
        except Exception as error:
            doing = "open" if serving is None else "rebuild"
            log.error("cannot %s the index of gallery %s: %s", doing, self._gallery.name, describe(error))
            self._step(partial(Lifecycle.fail_build, error=error, now=time.monotonic()))
            raise
        finally:
            if self._life.retired:
                self._store.remove_if_unused(self._gallery)
            self._step(Lifecycle.end_build)

    def _apply_the_log(self, fresh: LiveIndex, *, first: bool) -> None:
        """Applies the whole log to `fresh` before it serves, so that the swap has little left to do."""
        try:
            while tail := self._log.tail(fresh):
                fresh.apply(tail)
        except (DatabaseUnavailable, Busy):
            if not first:  # keep a first index: it was costly, and its first search catches it up
                raise

    def _gpu_has_room(self, faces: int) -> bool:
        """Checks at most every 30 seconds, a swap included; between checks it answers False."""
        if (now := time.monotonic()) < self._gpu_checked_at + MAX_RETRY_SECONDS:
            return False
        self._gpu_checked_at = now
        return self._store.gpu_shortcoming(faces) is None

    def _step(self, step: Callable[[Lifecycle], Lifecycle]) -> bool:
        """Replaces `_life` by the next state. False if `step` returned the same object."""
        with self._lock:
            before, self._life = self._life, step(self._life)
            return self._life is not before

    @contextmanager
    def _alone(self, gallery: IndexedGallery, deadline: float) -> Iterator[None]:
        """Holds `_applying`. Raises IndexNotReady if it is not free at the deadline."""
        if not self._applying.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise not_ready(gallery, "is being updated by another request")
        try:
            yield
        finally:
            self._applying.release()
