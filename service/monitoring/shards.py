"""Metrics of the shards on a Ray cluster, as this process searches them."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge

if TYPE_CHECKING:  # it imports Ray
    from indexer.cluster.sharding import Sharding

_COUNTED = {
    "searches": ("gemel_cluster_searches", "Calls of all shards of a gallery"),
    "hedges": (
        "gemel_cluster_hedges",
        "Calls of a shard that were sent to another copy too, because the first one was slow",
    ),
    "retries": ("gemel_cluster_retries", "Calls of a shard that were repeated because a copy failed"),
    "rounds": (
        "gemel_cluster_rounds",
        "Calls that were repeated because a shard had not followed the others",
    ),
    "failures": ("gemel_cluster_failures", "Searches that failed because a shard did not answer in time"),
}


class ShardMetrics:
    def __init__(
        self, registry: CollectorRegistry, gauge: Callable[[str, str], Gauge], sharding: "Sharding"
    ) -> None:
        """`gauge`: makes one with a series for each process."""
        self._sharding = sharding
        self._counters = {
            name: Counter(metric, text, registry=registry) for name, (metric, text) in _COUNTED.items()
        }
        self._seen = dict.fromkeys(_COUNTED, 0)
        self._connected = gauge("gemel_cluster_connected", "1 while the process is connected to Ray")
        self._copies = gauge("gemel_cluster_copies", "Copies of shards that the process searches")
        self._down = gauge("gemel_cluster_copies_down", "Those of them that do not answer now, or are slow")

    def refresh(self) -> None:
        for name, total in asdict(self._sharding.counts).items():
            self._counters[name].inc(total - self._seen[name])
            self._seen[name] = total
        copies, down = self._sharding.copies()
        self._connected.set(self._sharding.connection.connected)
        self._copies.set(copies)
        self._down.set(down)
