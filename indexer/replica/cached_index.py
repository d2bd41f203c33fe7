"""What `cache` needs of the index of a gallery, wherever it is searched: here, or in other processes."""

from concurrent.futures import Future
from typing import Protocol

from indexer.embedding.card import ModelCard
from indexer.index.searchable_index import SearchableIndex
from indexer.records.replicas import StatusReport
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.store import IndexStore
from indexer.types import IndexedGallery


class CachedIndex(Protocol):
    """Safe to call from several threads. `gallery_index.GalleryIndex` is the one of this process."""

    @property
    def gallery_name(self) -> str: ...

    @property
    def card(self) -> ModelCard: ...

    @property
    def is_open(self) -> bool:
        """Whether it can be searched now. Waits for no lock, like the properties below."""
        ...

    @property
    def is_building(self) -> bool: ...

    @property
    def used_at(self) -> float:
        """Time of the last search, by the monotonic clock."""
        ...

    @property
    def memory_bytes(self) -> int:
        """Of this process."""
        ...

    def report(self) -> StatusReport: ...

    def caught_up(self, gallery: IndexedGallery, deadline: float) -> SearchableIndex:
        """The index with every change up to the number in `gallery`, maybe with later ones.

        Opens it first if need be. Raises IndexNotReady at the deadline, EmbeddingsMissing, GalleryNotFound.
        """
        ...

    def prepare(self) -> None:
        """Begins to open it, because the gallery may be switched to this model at any moment."""
        ...

    def sync(self, gallery: Gallery, deadline: float) -> None:
        """Catches it up if it is open, and begins a rebuild if one is due; waits for no build.

        `gallery`: its row as it is now. The sync thread passes every exception to `fall_behind`.
        """
        ...

    def fall_behind(self, error: Exception) -> None:
        """Records why `sync` failed, for `report`."""
        ...

    def build(self) -> "Future[None]":
        """Begins to open it, or to rebuild it beside the index that serves."""
        ...

    def retire(self) -> None:
        """The gallery has left the model: removes what this machine's disk has of it."""
        ...


class IndexFactory(Protocol):
    """Makes the index of a gallery by one model; opens nothing. `GalleryIndex` is one."""

    def __call__(self, gallery: Gallery, store: IndexStore, builds: IndexBuilds) -> CachedIndex:
        """`store`: the model's store."""
        ...
