"""Machines, or processes of one machine, that are nodes of a Ray cluster: `gemel cluster up|join|status`."""

from indexer.cluster.nodes.node import SHARD_RESOURCE, Node, NodeOptions

__all__ = ["SHARD_RESOURCE", "Node", "NodeOptions"]
