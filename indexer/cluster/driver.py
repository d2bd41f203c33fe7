"""This process as one that uses Ray, a *driver*: `ray.init`, `ray.shutdown`, and what it asks the head.

Each function imports Ray where it uses it: Ray reads its variables, which `connection.prepare` sets, when it
is first imported.
"""

import atexit
import ctypes
import logging
import socket
from collections.abc import Callable
from typing import Any

from indexer.cluster import signals
from indexer.cluster.nodes import gcs, preparation
from indexer.settings import Settings

log = logging.getLogger(__name__)

NAMESPACE = "gemel"
"""Of all actors in the Ray cluster."""
HEAD_SECONDS = 2.0
"""How long the head's machine has to accept a connection. Ray itself tries for 40 seconds."""


def start(settings: Settings) -> None:
    """Connects this process to the Ray cluster of the settings.

    Raises ConnectionError if nothing listens at the head's address, Misconfigured if that is no address, and
    what Ray raises.
    """
    if settings.cluster != "auto":
        address = settings.cluster.removeprefix("ray://")
        try:
            socket.create_connection(preparation.split_address(address), HEAD_SECONDS).close()
        except OSError as error:
            why = error.strerror or str(error)
            raise ConnectionError(f"the head at {address} does not answer: {why}") from error
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    _log_messages_of_nodes()
    with signals.kept():
        ray.init(
            address=settings.cluster,
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
        )


def stop() -> None:
    """Shuts Ray down. No other thread may be in a call of Ray: it would end, or the process would crash."""
    import ray

    with signals.kept():
        ray.shutdown()


def leave() -> None:
    """Lets the process end without a shutdown of Ray, while a thread is in a call of Ray that never returns.

    At exit, Ray's own handlers in Python and in its C++ library would shut it down and end the process with a
    segmentation fault. They do not run: Python flushes its files, and the process ends by `_exit`.
    """
    import ray._private.worker as worker

    shutdown: Callable[..., object] = worker.shutdown
    atexit.unregister(shutdown)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "on_exit"):  # of glibc: what is registered last is called first, with the exit status
        libc.on_exit(libc._exit, None)


def client_answers() -> bool:
    """Whether the client server of `ray://` answers."""
    import ray

    return bool(ray.util.client.ray.is_connected())  # type: ignore[no-untyped-call]


def alive_nodes() -> set[str]:
    """Ids of the nodes that are alive, as the head knows them now. Raises OSError, and Ray's errors."""
    import ray

    address = str(ray.get_runtime_context().gcs_address)
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), HEAD_SECONDS).close()
    client = gcs.connect(address)
    return {node.node_id.hex() for node in gcs.alive_nodes(client)}


def own_node() -> str:
    """Id of the node on this machine that the process is connected to."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _log_messages_of_nodes() -> None:
    """Writes one line of each to the log. Ray would print up to fifty lines of each to stdout."""
    import ray._private.worker as worker

    def write(data: dict[str, Any], *_: object, **__: object) -> None:
        for line in data.get("lines", []):
            log.warning("Ray: %s", str(line).strip().partition("\n")[0])

    replaced: Callable[..., None] = write
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = replaced
