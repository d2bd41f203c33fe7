"""The connection to a Ray cluster, where `GEMEL_CLUSTER` is set. Without it no Ray is imported."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from indexer.cluster import connection
from indexer.embedding.card import ModelCard
from indexer.index.searchable_index import SearchableIndex
from indexer.records.tables import Gallery
from indexer.replica.store import IndexStore
from indexer.settings import Settings

if TYPE_CHECKING:
    from indexer.cluster.sharding import Sharding


def open_sharding(settings: Settings, card: ModelCard, *, serving: bool) -> "Sharding | None":
    """`card`: of the default model. Raises Misconfigured where Ray is not installed, or has no token."""
    if not settings.cluster:
        return None
    connection.prepare(settings)
    from indexer.cluster.sharding import Sharding  # now, for Ray reads its variables at its import

    return Sharding(settings, card, serving=serving)


@contextmanager
def shards_of_command(settings: Settings, card: ModelCard) -> "Iterator[ShardsOfCommand | None]":
    """The shards that a command may search; None without `GEMEL_CLUSTER`. The end of the block closes the
    connection."""
    if not settings.cluster:
        yield None
        return
    shards = ShardsOfCommand(settings, card)
    try:
        yield shards
    finally:
        shards.close()


class ShardsOfCommand:
    """Connects at the first gallery that is in shards, if there is one. One thread uses it."""

    def __init__(self, settings: Settings, card: ModelCard) -> None:
        self._settings = settings
        self._card = card
        self._sharding: Sharding | None = None

    def open_for_job(self, gallery: Gallery, store: IndexStore, patience_seconds: float) -> SearchableIndex:
        """As `Sharding.open_for_job`. Also raises Misconfigured if Ray is not installed, or has no token."""
        if self._sharding is None:
            self._sharding = open_sharding(self._settings, self._card, serving=False)
        assert self._sharding is not None
        return self._sharding.open_for_job(gallery, store, patience_seconds)

    def close(self) -> None:
        if self._sharding is not None:
            self._sharding.close()
