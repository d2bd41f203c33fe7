"""Everything that a process needs to search galleries on a Ray cluster."""

import time
from weakref import WeakSet

from indexer.cluster.builder_watch import BuilderWatch
from indexer.cluster.connection import RayConnection
from indexer.cluster.search.active_set import ActiveSet
from indexer.cluster.search.copies import Counts
from indexer.cluster.search.shard_calls import ShardCalls
from indexer.cluster.search.sharded_index import ShardedIndex
from indexer.cluster.sharded_gallery import ShardedGallery
from indexer.cluster.shards.builder import BuilderOptions
from indexer.embedding.card import ModelCard
from indexer.errors import IndexNotReady
from indexer.records import shard_sets
from indexer.records.tables import Gallery
from indexer.replica.builds import IndexBuilds
from indexer.replica.store import IndexStore
from indexer.settings import Settings
from indexer.types import GalleryState


class Sharding:
    """Import this module after `connection.prepare`. `close` it."""

    def __init__(self, settings: Settings, card: ModelCard, *, serving: bool) -> None:
        """Starts at once, whether the Ray cluster answers or not. `card`: of the default model. `serving`:
        whether this process also has the builder create shards; a command only searches existing ones."""
        self.connection = RayConnection(settings)
        self._least_faces = settings.shard_faces // 2
        self.counts = Counts()
        self._galleries: WeakSet[ShardedGallery] = WeakSet()
        self.builder = BuilderWatch(self.connection, BuilderOptions.of(settings)) if serving else None
        if self.builder is not None:
            self.builder.learn(card)

    @property
    def problem(self) -> str | None:
        """Why the Ray cluster cannot be used, or only to search, in words. Takes no lock."""
        return self.connection.problem or (None if self.builder is None else self.builder.problem)

    def copies(self) -> tuple[int, int]:
        """Of the shards of all galleries: how many there are, and how many of them do not answer now."""
        sets = [index.active.copies for index in list(self._galleries) if index.active is not None]
        return sum(one.shards * one.copies for one in sets), sum(len(one.down()) for one in sets)

    def close(self) -> None:
        if self.builder is not None:
            self.builder.close()
        self.connection.close()

    def open_for_job(self, gallery: Gallery, store: IndexStore, patience_seconds: float) -> ShardedIndex:
        """The shards of a gallery for long work, with every change up to the gallery's row.

        `patience_seconds`: for each call. Its calls do not count for searches: slow ones change neither which
        copies searches leave out, nor when searches call another copy.

        Raises IndexNotReady, EmbeddingsMissing, GalleryNotFound, DatabaseUnavailable.
        """
        deadline = time.monotonic() + patience_seconds
        with store.database.reading() as session:
            row = shard_sets.active(session, gallery.id, store.card.fingerprint)
        if row is None:
            raise IndexNotReady(f"gallery {gallery.name!r} is not searched in shards any more; try again")
        self.connection.check(gallery.name, patience_seconds)
        active = ActiveSet(row, ShardCalls(self.connection, row), self.counts)
        return active.index(GalleryState.of(gallery), patience_seconds, deadline)

    def make_index(self, gallery: Gallery, store: IndexStore, builds: IndexBuilds) -> ShardedGallery:
        """An `IndexFactory`."""
        if self.builder is not None:
            self.builder.learn(store.card)
        index = ShardedGallery(
            gallery, store, builds, self.connection, self.counts, least_faces=self._least_faces
        )
        self._galleries.add(index)
        return index
