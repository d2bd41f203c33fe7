"""The connection to a Ray cluster, where `GEMEL_CLUSTER` is set. Without it no Ray is imported."""

from typing import TYPE_CHECKING

from indexer.cluster import connection
from indexer.embedding.card import ModelCard
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
