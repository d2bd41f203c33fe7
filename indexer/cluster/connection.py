"""The connection of a serving process to the Ray cluster.

A thread connects, watches the connection and connects again. The service starts, answers and stops whether
the cluster is there or not. What Ray does to a process that uses it, and what is done against it here
(docs/decisions/0051):

    it ends the process when the cluster's head has not answered for a minute   -> it waits for years
    it starts a cluster of its own at the first call without a connection       -> switched off
    it replaces the handler of SIGTERM by one that aborts                       -> put back (`signals`)
    it prints the last lines of the log of a node that has died                 -> one line in our log
    it replaces sys.excepthook                                                  -> put back
"""

import importlib.util
import logging
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from indexer.cluster import environment, signals
from indexer.cluster.nodes import gcs
from indexer.errors import IndexNotReady, Misconfigured
from indexer.replica.threads.interruptible import InterruptiblePool
from indexer.replica.threads.supervised import Supervised
from indexer.settings import Settings

log = logging.getLogger(__name__)

NAMESPACE = "gemel"
"""Of all actors in the Ray cluster."""
CHECK_SECONDS = 2.0
IGNORE = "RAY_IGNORE_UNHANDLED_ERRORS"
"""An answer that nobody reads, as of a copy that was slower, may be an error."""
HEAD_AWAY = "RAY_gcs_rpc_server_reconnect_timeout_s"
YEARS_SECONDS = 1_000_000_000
NODE_PROCESS = "RAY_RAYLET_PID"
"""Ray ends a process whose node has ended if the process with this id is dead, or, without one, if its own
parent is process 1: a server that systemd has started. With its own id, a server outlives its node."""


class RayConnection:
    """Safe to call from several threads; `close` it."""

    THREADS = 1

    def __init__(self, settings: Settings) -> None:
        """After `prepare`. Starts at once, and waits for nothing."""
        self._settings = settings
        self._number = 0
        self._connected = False
        self._problem: str | None = "the Ray cluster has not answered yet"
        self._changed = threading.Condition()
        self.lookups = InterruptiblePool(1, "find-shards")
        """Finds actors: without a head, Ray waits for one, for longer than a search may."""
        self._thread = Supervised("Ray connection", self._turn, every_seconds=CHECK_SECONDS)
        self._thread.start()

    @property
    def number(self) -> int:
        """Of the connection; handles of actors are valid within one connection only."""
        return self._number

    @property
    def connected(self) -> bool:
        """Whether shards can be called. Without a head they answer as well."""
        return self._connected

    @property
    def problem(self) -> str | None:
        """Why the cluster is not usable, or only to search, in words. Takes no lock."""
        return self._problem

    def check(self, gallery_name: str) -> None:
        """Raises IndexNotReady without a connection."""
        if not self._connected:
            raise IndexNotReady(
                f"the index of gallery {gallery_name!r} is on a Ray cluster that cannot be reached:"
                f" {self._problem}; try again",
                gallery=gallery_name,
            )

    def wait(self, seconds: float) -> bool:
        """Whether it is connected within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._connected, seconds)

    def close(self) -> None:
        self._thread.close()
        self.lookups.close()
        if self._connected:
            import ray

            self._connected = False
            with signals.kept():
                ray.shutdown()

    def _turn(self) -> None:
        if not self._connected:
            self._connect()
            return
        lost = self._lost()
        if lost is not None:
            log.warning("the connection to the Ray cluster is lost: %s", lost)
            self._set(False, lost)
            import ray

            with signals.kept():
                ray.shutdown()
            self._thread.wake()

    def _connect(self) -> None:
        try:
            _init(self._settings)
        except Exception as error:  # Ray's own and built-in ones; the next turn tries again
            problem = str(error).strip().partition("\n")[0] or type(error).__name__
            if problem != self._problem:
                log.warning("cannot connect to the Ray cluster, and try again: %s", problem)
            self._set(False, problem)
            return
        self._number += 1
        self._set(True, None)
        log.info("connected to the Ray cluster %s", self._settings.cluster)

    def _lost(self) -> str | None:
        """Why another connection is needed; None where this one works, or may work again."""
        if self._settings.cluster.startswith("ray://"):
            import ray

            there = ray.util.client.ray.is_connected()  # type: ignore[no-untyped-call]
            return None if there else "its client server does not answer"
        try:
            alive = _alive_nodes()
        except Exception as error:  # Ray's own and built-in ones
            problem = "the head of the Ray cluster does not answer: searches go on, shards are not replaced"
            if self._problem != problem:
                log.warning("%s (%s)", problem, str(error).partition("\n")[0])
            self._set(True, problem)
            return None
        self._set(True, None)
        return None if _own_node() in alive else "this machine's Ray node has ended"

    def _set(self, connected: bool, problem: str | None) -> None:
        with self._changed:
            self._connected, self._problem = connected, problem
            self._changed.notify_all()


def prepare(settings: Settings) -> None:
    """Sets Ray's variables. Before Ray is imported, which reads them once. Raises Misconfigured."""
    if importlib.util.find_spec("ray") is None:
        raise Misconfigured("GEMEL_CLUSTER is set, but Ray is not installed: pip install 'gemel[cluster]'")
    os.environ |= {HEAD_AWAY: str(YEARS_SECONDS), "RAY_ENABLE_AUTO_CONNECT": "0", IGNORE: "1"}
    os.environ[NODE_PROCESS] = str(os.getpid())
    environment.prepare(settings)


def _init(settings: Settings) -> None:
    """Raises what Ray raises."""
    hook = sys.excepthook
    import ray

    sys.excepthook = hook
    logging.getLogger("ray").setLevel(logging.ERROR)
    _log_messages_of_nodes()
    with signals.kept():
        ray.init(
            address=settings.cluster,
            namespace=NAMESPACE,
            log_to_driver=False,
            configure_logging=False,
        )


def _alive_nodes() -> set[str]:
    """Ids, as the head knows them now."""
    import ray

    client = gcs.connect(ray.get_runtime_context().gcs_address)
    return {node.node_id.hex() for node in gcs.alive_nodes(client)}


def _own_node() -> str:
    import ray

    return str(ray.get_runtime_context().get_node_id())


def _log_messages_of_nodes() -> None:
    """Ray prints them to stdout, up to fifty lines each."""
    import ray._private.worker as worker

    def write(data: dict[str, Any], *_: object, **__: object) -> None:
        for line in data.get("lines", []):
            log.warning("Ray: %s", str(line).strip().partition("\n")[0])

    replaced: Callable[..., None] = write
    if hasattr(worker, "print_to_stdstream"):
        worker.print_to_stdstream = replaced
