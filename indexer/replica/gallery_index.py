"""One index that a process follows a gallery with: what is open, what is coming, how it tells of itself."""

import logging
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from indexer.embedding.card import ModelCard
from indexer.errors import Busy, DatabaseUnavailable, GemelError, IndexNotReady, Unusable
from indexer.records.replicas import State, StatusReport
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore, StoredIndex

log = logging.getLogger(__name__)

RETRY_SECONDS = 30.0
"""At most until it is tried again to open an index, or to make it anew."""
ENTRY_BYTES = 16_384
"""What an open index takes besides its vectors, about."""


@dataclass(slots=True, eq=False)
class GalleryIndex:
    gallery: Gallery
    """As it was last read."""
    index_store: IndexStore
    """For the model that the index is of."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever applies changes to the index, or exchanges it."""
    opened: StoredIndex | None = None
    coming: "Future[None] | None" = None
    """While a thread of its own loads or builds the index, or the one that will take its place."""
    retired: bool = False
    """Whether its gallery has left the model: what is still coming then must not stay on the disk."""
    error: Exception | None = None
    """Why it could not be opened, or made anew, when that was last tried."""
    failures: int = 0
    """In a row."""
    behind: str | None = None
    """Why the open index could not be brought along when that was last tried."""
    retry_at: float = 0.0
    """After a failure nobody tries again before that."""
    gpu_asked_at: float = 0.0
    """When the GPUs were last asked whether they have room for it now."""
    used_at: float = field(default_factory=time.monotonic)

    @property
    def card(self) -> ModelCard:
        return self.index_store.card

    @property
    def memory_bytes(self) -> int:
        return ENTRY_BYTES + (0 if self.opened is None else self.opened.index.memory_bytes)

    @property
    def problem(self) -> str | None:
        return None if self.error is None else str(self.error) or type(self.error).__name__

    def take(self, fresh: StoredIndex) -> None:
        """Call it with the lock held."""
        self.opened = fresh
        self.error = self.behind = None
        self.failures, self.retry_at = 0, 0.0

    def fail(self, error: Exception) -> None:
        """The next attempt comes after 1, 2, 4 ... 30 seconds; at once where PostgreSQL was away, or set back
        in the midst of it."""
        self.error = error
        self.failures += 1
        pause = min(RETRY_SECONDS, 2.0 ** min(self.failures - 1, 10))
        if self.opened is not None:  # the old one serves: there is no hurry
            pause = RETRY_SECONDS
        elif isinstance(error, (DatabaseUnavailable, Busy, Unusable)):
            pause = 0.0
        self.retry_at = time.monotonic() + pause

    def fall_behind(self, error: Exception) -> None:
        """Logged when it is new, with where it happened if nobody foresaw it."""
        said = str(error) or type(error).__name__
        if self.behind != said:
            foreseen = isinstance(error, GemelError)
            log.error(
                "the index of %s by %s cannot be kept up to date: %s",
                self.gallery.name,
                self.card.fingerprint,
                said,
                exc_info=None if foreseen else error,
            )
        self.behind = said

    def check_openable(self) -> None:
        """Raises what opening it has raised, for as long as it is not tried again."""
        if self.error is not None and self.coming is None and time.monotonic() < self.retry_at:
            raise cannot_open(self.gallery, self.error)

    def drop(self, opened: StoredIndex, why: Unusable) -> None:
        """Whoever asks next has it opened anew, if `opened` still is what there is.

        Waits for nobody: an index that takes its place at this very moment is at worst opened once more.
        """
        if self.opened is opened:
            self.opened = self.behind = None
            log.warning("the index of %s is dropped and opened again: %s", self.gallery.name, why)

    def told(self) -> StatusReport:
        opened, coming = self.opened, self.coming is not None
        problem = self.behind or self.problem
        state: State = "opening" if coming or problem is None else "failed"
        if opened is not None:
            problem = problem or opened.rejected
            state = "failed" if self.behind else "renewing" if coming else "ready"
        index = None if opened is None else opened.index.state()
        return StatusReport(
            gallery_id=self.gallery.id,
            state=state,
            problem=problem,
            model=self.card.fingerprint,
            tier=None if index is None else index.tier,
            snapshot=None if opened is None else opened.snapshot,
            applied=0 if index is None else index.position.number,
            token=None if index is None else index.position.token,
            count=0 if index is None else index.count,
            tombstones=0 if index is None else index.tombstones,
            memory_bytes=0 if index is None else index.memory_bytes,
            digest=None if index is None else index.digest,
        )


def not_ready(gallery: Gallery) -> IndexNotReady:
    return IndexNotReady(
        f"the index of gallery {gallery.name!r} is being loaded or built; try again", gallery=gallery.name
    )


def cannot_open(gallery: Gallery, error: Exception) -> GemelError:
    """What a caller is told of an attempt that failed: what has no name of its own is in the log."""
    if isinstance(error, GemelError):
        return type(error)(error.message, **error.details)
    return IndexNotReady(
        f"the index of gallery {gallery.name!r} cannot be opened; the log says why, and it is tried again",
        gallery=gallery.name,
    )
