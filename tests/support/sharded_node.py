"""A process that searches the gallery of `faults.node` in shards on a Ray cluster of this machine."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from indexer.index.searchable_index import SearchableIndex
from indexer.records import shard_sets
from indexer.records.tables import ShardSet
from tests.support.faults.node import CARD, Node
from tests.support.home import wait_for
from tests.support.ray_cluster import RayCluster

PATIENCE_SECONDS = 5.0


class ShardedNode:
    """As a context manager."""

    def __init__(
        self,
        cluster: RayCluster,
        url: str,
        home: Path,
        *,
        shards: int = 3,
        copies: int = 2,
        **index_cache: Any,
    ) -> None:
        """The gallery is there. Its shards are created beside the index of this process, which serves until
        `wait_until_sharded` returns."""
        self.cluster = cluster
        settings = {"cluster": cluster.address, "shards": shards, "shard_copies": copies, "shard_faces": 1}
        self.node = Node(url, home, patience_seconds=PATIENCE_SECONDS, sharded=settings, **index_cache)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.node.close()

    def wait_until_sharded(self) -> None:
        """The gallery's set of shards is active. This process knows it from its next search on, if it has
        searched before, after a poll."""
        wait_for(self.active_set)

    def active_set(self) -> ShardSet | None:
        with self.node.database.reading() as session:
            return shard_sets.active(session, self.node.gallery().id, CARD.fingerprint)

    def index(self) -> SearchableIndex:
        """All shards, up to the gallery's last change. Raises IndexNotReady."""
        return self.node.index_cache.caught_up(self.node.gallery())

    def nodes_of(self, shard: int) -> list[int]:
        """Numbers of the nodes with a copy of the shard, as Ray has placed them now."""
        found = self.active_set()
        assert found is not None
        return nodes_of(self.cluster, found, shard)


def nodes_of(cluster: RayCluster, shard_set: ShardSet, shard: int) -> list[int]:
    """In a process that is connected. Nodes that have been killed are not among them."""
    import ray

    name = f"{shard_set.id}-shard-{shard}"
    ids = {cluster.node_id(number): number for number in cluster.running}
    return [
        ids[node_id]
        for group in ray.util.placement_group_table().values()
        if group["name"] == name
        for node_id in group["bundles_to_node_id"].values()
        if node_id in ids
    ]
