"""The index of one gallery by one model in this process: catches up, is rebuilt, and swaps."""

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

log = logging.getLogger(__name__)

ENTRY_BYTES = 16_384
"""Of memory that an index takes besides its vectors, about."""


class GalleryIndex:
    """Safe to call from several threads. A search that has an index keeps it, whatever happens here.

    `_applying` is held by the one thread that applies changes or swaps; callers wait for it with a deadline.
    `_lock` orders the steps of `_life`, an immutable record: it is held for an assignment, never for work.
    Reports read `_life` without a lock, and a drop takes only `_lock`: no stuck thread keeps them waiting.
    """

    def __init__(self, gallery: Gallery, store: IndexStore, builds: IndexBuilds) -> None:
        """`store`: of the model. Nothing is opened yet."""
        self._gallery = gallery
        """As it was last read."""
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
        return self._life.report(self._gallery.id, self.card.fingerprint)

    def caught_up(self, gallery: Gallery, deadline: float) -> LiveIndex:
        """The index with every change that `gallery`, as it was read, knows of; maybe later ones.

        Opens it first if need be. Raises IndexNotReady at the deadline; what the opening raises, again until
        it is retried; EmbeddingsMissing, GalleryNotFound.
        """
        self._used_at = time.monotonic()
        while True:
            if self._life.serving is None:
                self._await_opening(deadline)
            index = self._catch_up(gallery, deadline)
            if index is not None:
                return index
            if time.monotonic() > deadline:
                raise not_ready(gallery)

    def prepare(self) -> None:
        """Begins to open it: the gallery may be switched to this model at any moment."""
        self._used_at = now = time.monotonic()
        if self._life.serving is None and self._life.may_build(now):
            self.build()

    def sync(self, gallery: Gallery, deadline: float) -> None:
        """Catches it up if it is open, and begins a rebuild where one is due; waits for no build.

        `gallery`: as it is now. For the sync thread, which hands what this raises to `fall_behind`.
        """
        self._gallery = gallery
        if self._life.serving is None:
            return
        try:
            if self._catch_up(gallery, deadline) is None:
                self.build()  # before the next search needs it
                return
        except (IndexNotReady, GalleryNotFound):
            return
        self._step(lambda life: life.set_lag_problem(None))
        life = self._life
        if life.serving is not None and life.may_build(time.monotonic()):
            reason = reason_to_rebuild(life.serving, gallery, self._store.tiers, self._gpu_has_room)
            if reason is not None:
                log.info("rebuilding the index of gallery %s: %s", gallery.name, reason)
                self.build()

    def fall_behind(self, error: Exception) -> None:
        """Reports why `sync` failed. Logged when it is new, with a traceback if the error is unexpected."""
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
        """Begins to open it, or to rebuild it beside the index that serves. One build runs at a time: the
        one that runs is returned. Raises IndexNotReady where the process ends."""
        with self._lock:
            if self._life.build is not None:
                return self._life.build
            try:
                build = self._builds.submit(
                    self._build, faces=self._gallery.face_count, first=self._life.serving is None
                )
            except CancelledError:
                raise not_ready(self._gallery) from None
            self._life = self._life.start_build(build)
            return build

    def swap(self, fresh: StoredIndex) -> None:
        """Puts `fresh` in the place of the index that serves, with every change that this one has."""
        with self._applying:
            serving = self._life.serving
            if serving is not None:
                while fresh.index.applied < serving.index.applied and (tail := self._log.tail(fresh.index)):
                    fresh.index.apply(tail)
            self._step(lambda life: life.swap_in(fresh))
        self._gpu_checked_at = time.monotonic()

    def retire(self) -> None:
        """The gallery has left the model: nothing stays on the disk, not even what a running build writes."""
        self._step(Lifecycle.retire)  # first: a build that ends later sees it, and removes what it wrote
        self._store.snapshots(self._gallery).remove()

    def _catch_up(self, gallery: Gallery, deadline: float) -> LiveIndex | None:
        """The open index with every change that `gallery` knows of. None where there is none, and where it
        cannot get there: then it is dropped, to be opened again. Raises IndexNotReady at the deadline."""
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
                            raise not_ready(gallery)  # the next caller goes on from here
            elif position != gallery.position:
                # Either later changes were applied after `gallery` was read, or the log is another one.
                self._log.check_position(index)
        except Unusable as error:
            if self._step(lambda life: life.drop(serving)):
                log.warning("the index of gallery %s is dropped and opened again: %s", gallery.name, error)
            return None
        return index

    def _await_opening(self, deadline: float) -> None:
        """Raises IndexNotReady, and what the opening raises, or raised a moment ago."""
        life = self._life
        if life.build is None and life.build_error is not None and time.monotonic() < life.retry_at:
            raise cannot_open(self._gallery, life.build_error)
        try:
            self.build().result(timeout=max(0.0, deadline - time.monotonic()))
        except (TimeoutError, CancelledError):
            raise not_ready(self._gallery) from None
        except Unusable as error:  # the database was set back while it was being opened
            log.warning("the index of gallery %s is opened again: %s", self._gallery.name, error)
        except Exception as error:
            raise cannot_open(self._gallery, error) from error

    def _build(self) -> None:
        """In a thread of `builds`. What serves goes on serving."""
        serving = self._life.serving
        try:
            at_least = 0 if serving is None else serving.index.applied
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
        """All of it, beside the index that serves, so that the swap has little left to do."""
        try:
            while tail := self._log.tail(fresh):
                fresh.apply(tail)
        except (DatabaseUnavailable, Busy):
            if not first:  # an index that is opened took long to build, and the first search catches it up
                raise

    def _gpu_has_room(self, faces: int) -> bool:
        """As of the last check, which comes at most every 30 seconds."""
        if time.monotonic() < self._gpu_checked_at + MAX_RETRY_SECONDS:
            return False
        self._gpu_checked_at = time.monotonic()
        return self._store.gpu_shortcoming(faces) is None

    def _step(self, step: Callable[[Lifecycle], Lifecycle]) -> bool:
        """Whether it changes anything."""
        with self._lock:
            before, self._life = self._life, step(self._life)
            return self._life is not before

    @contextmanager
    def _alone(self, gallery: Gallery, deadline: float) -> Iterator[None]:
        """Raises IndexNotReady at the deadline."""
        if not self._applying.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise not_ready(gallery)
        try:
            yield
        finally:
            self._applying.release()
