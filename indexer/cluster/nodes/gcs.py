"""Reads the GCS, Ray's directory of nodes and actors, without joining the cluster."""

from collections.abc import Sequence
from typing import Any

TIMEOUT_SECONDS = 10


def connect(address: str) -> Any:
    """A client of the head at HOST:PORT. Raises ray.exceptions.AuthenticationError, RpcError."""
    from ray._raylet import GcsClient  # type: ignore[attr-defined]  # its stub lacks it

    return GcsClient(address=address)


def alive_nodes(client: Any) -> Sequence[Any]:
    """Messages `GcsNodeInfo`. Raises as `connect`."""
    from ray.core.generated.gcs_pb2 import GcsNodeInfo  # type: ignore[attr-defined]  # made at run time

    alive = GcsNodeInfo.GcsNodeState.ALIVE
    return list(client.get_all_node_info(timeout=TIMEOUT_SECONDS, state_filter=alive).values())
