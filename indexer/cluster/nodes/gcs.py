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


def actors(address: str) -> Sequence[dict[str, Any]]:
    """Those that are alive or to be started again: `Name`, `State`, `Pid`, `Address` with `NodeID`."""
    from ray._private import state
    from ray._raylet import GcsClientOptions  # type: ignore[attr-defined]

    directory: Any = state.GlobalState()  # type: ignore[no-untyped-call]
    options = GcsClientOptions.create(address, None, True, False)  # any cluster, whose id is not fetched
    directory._initialize_global_state(options)
    return [actor for actor in directory.actor_table(None).values() if actor["State"] != "DEAD"]
