"""The nodes of a Ray cluster, as its head knows them."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from indexer.cluster import environment
from indexer.cluster.nodes import preparation
from indexer.cluster.nodes.labels import MEMORY, VERSION
from indexer.cluster.nodes.node import SHARD_RESOURCE
from indexer.errors import Misconfigured
from indexer.settings import Settings

_COPY = re.compile(r"([0-9a-f-]{36})-shard-(\d+)-copy-(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node that is alive."""

    name: str
    hostname: str
    node_id: str
    host: str
    """Its address for other nodes."""
    head: bool
    holds_shards: bool
    version: str
    """Of Gemel; empty if somebody has started the node with `ray start`."""
    memory_bytes: int
    """Of its machine or container; 0 if unknown."""
    gpus: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyView:
    """A copy of a shard."""

    shard_set: UUID
    shard: int
    """From 0."""
    copy: int
    node_id: str
    """Empty while it waits for a node."""
    hostname: str
    """Of the node."""
    pid: int
    alive: bool
    """Whether its process runs. It may still be reading its people."""


def head_address(settings: Settings, address: str | None) -> str:
    """HOST:PORT of the head. Raises Misconfigured if the settings do not say where it is."""
    address = address or settings.cluster
    if not address:
        raise Misconfigured("set GEMEL_CLUSTER to the head's HOST:PORT, which `gemel cluster up` prints")
    if address.startswith("ray://"):
        raise Misconfigured("GEMEL_CLUSTER is a client server: give the head's own HOST:PORT to the command")
    if address == "auto":
        environment.prepare(settings)
        from ray._private import services  # after the variables, which it reads once

        local: Any = services
        found = sorted(local.find_gcs_addresses())
        if len(found) != 1:
            raise Misconfigured(
                f"GEMEL_CLUSTER is auto, and this machine has nodes of {len(found)} Ray clusters: give the"
                " head's HOST:PORT"
            )
        address = found[0]
    preparation.split_address(address)
    return address


def nodes(settings: Settings, address: str) -> Sequence[NodeView]:
    """The head first, then by name. Raises Misconfigured if the head does not answer or rejects the token."""
    environment.prepare(settings.model_copy(update={"cluster": address}))
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its reasons are in the errors
    import ray  # after the variables, which it reads once

    from indexer.cluster.nodes import gcs

    if not preparation.answers(address):
        raise Misconfigured(
            f"the head at {address} does not answer: is `gemel cluster up` or `join --head` running there?"
        )
    try:
        alive = gcs.alive_nodes(gcs.connect(address))
    except ray.exceptions.AuthenticationError:
        raise Misconfigured(
            f"the head at {address} rejects the token of this machine: copy the file ray/token from the head"
        ) from None
    except ray.exceptions.RpcError as error:
        raise Misconfigured(f"the head at {address} does not answer: {error}") from error
    views = [
        NodeView(
            name=node.node_name,
            hostname=node.node_manager_hostname,
            node_id=node.node_id.hex(),
            host=node.node_manager_address,
            head=node.is_head_node,
            holds_shards=node.resources_total.get(SHARD_RESOURCE, 0) > 0,
            version=node.labels.get(VERSION, ""),
            memory_bytes=int(node.labels.get(MEMORY, "0")),
            gpus=int(node.resources_total.get("GPU", 0)),
        )
        for node in alive
    ]
    return sorted(views, key=lambda view: (not view.head, view.name, view.node_id))


def copies(address: str, nodes: Sequence[NodeView]) -> Sequence[CopyView]:
    """All copies of shards that the head knows, by set, shard and copy. `nodes`: its answer before."""
    from indexer.cluster.nodes import gcs

    hostnames = {node.node_id: node.hostname for node in nodes}
    found = []
    for actor in gcs.actors(address):
        match = _COPY.fullmatch(actor["Name"] or "")
        if match:
            node_id = actor["Address"]["NodeID"]
            found.append(
                CopyView(
                    shard_set=UUID(match[1]),
                    shard=int(match[2]),
                    copy=int(match[3]),
                    node_id=node_id if node_id in hostnames else "",
                    hostname=hostnames.get(node_id, ""),
                    pid=actor["Pid"],
                    alive=actor["State"] == "ALIVE",
                )
            )
    return sorted(found, key=lambda copy: (copy.shard_set, copy.shard, copy.copy))
