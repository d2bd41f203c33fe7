"""The connection of a serving process to the Ray cluster.

A thread connects, watches the connection and connects again. The service starts, answers and stops whether
the cluster is there or not. What Ray does to a process that uses it, and what is done against it here
(docs/decisions/0051):

    it ends the process when the cluster's head has not answered for a minute   -> it waits for years
    it starts a cluster of its own at the first call without a connection       -> switched off
    it replaces the handler of SIGTERM by one that aborts                       -> put back (`signals`)
    it ends a thread, or crashes, that calls it while it is shut down           -> nobody does (`session`)
    it prints the last lines of the log of a node that has died                 -> one line in our log
    it replaces sys.excepthook                                                  -> put back
"""

import importlib.util
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from indexer.cluster import environment, signals
from indexer.cluster.nodes import gcs
from indexer.cluster.session import LEAVING_SECONDS, Session, SessionEnded
from indexer.errors import IndexNotReady, Misconfigured
from indexer.replica.threads.supervised import CLOSING_SECONDS, Supervised
from indexer.settings import Settings

log = logging.getLogger(__name__)

NAMESPACE = "gemel"
"""Of all actors in the Ray cluster."""
CHECK_SECONDS = 2.0
HEAD_SECONDS = 2.0
"""In which the head's machine accepts a connection. Ray itself tries for 40 seconds."""
IGNORE = "RAY_IGNORE_UNHANDLED_ERRORS"
"""An answer that nobody reads, as of a copy that was slower, may be an error."""
HEAD_AWAY = "RAY_gcs_rpc_server_reconnect_timeout_s"
YEARS_SECONDS = 1_000_000_000
HEAD_ANSWERS = "RAY_gcs_server_request_timeout_seconds"
"""So long a lookup of an actor may take; with Ray's default, a minute, it would delay another connection."""
HEAD_ANSWERS_SECONDS = 10
NODE_PROCESS = "RAY_RAYLET_PID"
"""Ray ends a process whose node has ended if the process with this id is dead, or, without one, if its own
parent is process 1: a server that systemd has started. With its own id, a server outlives its node."""


class RayConnection:
    """Safe to call from several threads; `close` it."""

    THREADS = 1

    def __init__(self, settings: Settings) -> None:
        """After `prepare`. Starts at once, and waits for nothing."""
        self._settings = settings
        self._session: Session | None = None
        self._problem: str | None = "the Ray cluster has not answered yet"
        self._changed = threading.Condition()
        self._thread = Supervised("Ray connection", self._turn, every_seconds=CHECK_SECONDS)
        self._thread.start()

    @property
    def session(self) -> Session:
        """The present one; handles of actors are valid within one session only. Raises SessionEnded."""
        session = self._session
        if session is None:
            raise SessionEnded
        return session

    @property
    def connected(self) -> bool:
        """Whether shards can be called. Without a head they answer as well."""
        return self._session is not None

    @property
    def problem(self) -> str | None:
        """Why the cluster is not usable, or only to search, in words. Takes no lock."""
        return self._problem or self._thread.problem

    def check(self, gallery_name: str) -> None:
        """Raises IndexNotReady without a connection."""
        if self._session is None:
            raise IndexNotReady(
                f"the index of gallery {gallery_name!r} is on a Ray cluster that cannot be reached:"
                f" {self._problem}; try again",
                gallery=gallery_name,
            )

    def wait(self, seconds: float) -> bool:
        """Whether it is connected within that time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._session is not None, seconds)

    def close(self) -> None:
        self._thread.close()
        self._disconnect("the process is stopping", CLOSING_SECONDS)

    def _turn(self) -> None:
        if self._session is None:
            self._connect()
            return
        lost = self._lost()
        if lost is not None:
            log.warning("the connection to the Ray cluster is lost: %s", lost)
            self._disconnect(lost)
            self._thread.wake()

    def _disconnect(self, problem: str, seconds: float = LEAVING_SECONDS) -> None:
        session = self._session
        if session is None:
            return
        self._set(None, problem)
        if not session.end(seconds):
            log.warning("a call of Ray does not end: the connection to the Ray cluster is closed during it")
        _shutdown()

    def _connect(self) -> None:
        try:
            _init(self._settings)
        except Exception as error:  # Ray's own and built-in ones; the next turn tries again
            problem = str(error).strip().partition("\n")[0] or type(error).__name__
            if problem != self._problem:
                log.warning("cannot connect to the Ray cluster, and try again: %s", problem)
            self._set(None, problem)
            _shutdown()  # what it has begun
            return
        self._set(Session(), None)
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
            problem = (
                "the head of the Ray cluster does not answer: shards are searched while their nodes live"
            )
            if self._problem != problem:
                log.warning("%s (%s)", problem, str(error).partition("\n")[0])
            self._set(self._session, problem)
            return None
        self._set(self._session, None)
        return None if _own_node() in alive else "this machine's Ray node has ended"

    def _set(self, session: Session | None, problem: str | None) -> None:
        with self._changed:
            self._session, self._problem = session, problem
            self._changed.notify_all()


def prepare(settings: Settings) -> None:
    """Sets Ray's variables. Before Ray is imported, which reads them once. Raises Misconfigured."""
    if importlib.util.find_spec("ray") is None:
        raise Misconfigured("GEMEL_CLUSTER is set, but Ray is not installed: pip install 'gemel[cluster]'")
    os.environ |= {HEAD_AWAY: str(YEARS_SECONDS), "RAY_ENABLE_AUTO_CONNECT": "0", IGNORE: "1"}
    os.environ[NODE_PROCESS] = str(os.getpid())
    os.environ.setdefault(HEAD_ANSWERS, str(HEAD_ANSWERS_SECONDS))
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


def _shutdown() -> None:
    import ray

    with signals.kept():
        ray.shutdown()


def _alive_nodes() -> set[str]:
    """Ids, as the head knows them now. Raises OSError, and Ray's errors."""
    import ray

    address = str(ray.get_runtime_context().gcs_address)
    host, _, port = address.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), HEAD_SECONDS).close()
    client = gcs.connect(address)
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
