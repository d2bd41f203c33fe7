"""The connection of a serving process to the Ray cluster.

A thread connects, watches the connection and connects again. The service starts, answers and stops whether
the cluster is there or not. What Ray does to a process that uses it, and what is done against it here
(docs/decisions/0051):

    it ends the process when the cluster's head has not answered for a minute   -> it waits for years
    it starts a cluster of its own at the first call without a connection       -> switched off
    it replaces the handler of SIGTERM by one that aborts                       -> put back (`signals`)
    it ends a thread, or crashes, that calls it while it is shut down           -> nobody does (`session`):
                                                     it is not shut down before the last call has returned
    it prints the last lines of the log of a node that has died                 -> one line in our log
    it replaces sys.excepthook                                                  -> put back
"""

import importlib
import importlib.util
import logging
import os
import sys
import threading
import time

from indexer.cluster import driver, environment
from indexer.cluster.session import LEAVING_SECONDS, Session, SessionEnded
from indexer.errors import IndexNotReady, Misconfigured
from indexer.replica.threads.supervised import CLOSING_SECONDS, Supervised
from indexer.settings import Settings

log = logging.getLogger(__name__)

CHECK_SECONDS = 2.0
RECONNECT_SECONDS = 3.0
"""After the loss of the connection, searches wait for it so long; later searches get their error at once.
The connection is back sooner where it was lost because this machine's node was started again."""
IGNORE = "RAY_IGNORE_UNHANDLED_ERRORS"
"""An answer that nobody reads, as of a copy that was slower, may be an error."""
HEAD_AWAY = "RAY_gcs_rpc_server_reconnect_timeout_s"
YEARS_SECONDS = 1_000_000_000
HEAD_ANSWERS = "RAY_gcs_server_request_timeout_seconds"
"""The longest that a lookup of an actor may take. With Ray's default, a minute, it would delay the next
connection."""
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
        self._leaving: Session | None = None
        """The session before, until all its calls of Ray have returned: Ray is not shut down before."""
        self._away_since: float | None = None
        """When the connection was lost, or the first attempt to connect failed; None while connected."""
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

    def check(self, gallery_name: str, seconds: float = 0.0) -> None:
        """Raises IndexNotReady without a connection, for which it waits as `wait` does."""
        if not self.wait(seconds):
            raise IndexNotReady(
                f"the index of gallery {gallery_name!r} is on a Ray cluster that cannot be reached:"
                f" {self._problem}; try again",
                gallery=gallery_name,
            )

    def wait(self, seconds: float) -> bool:
        """Waits for the connection, at most `seconds`, and no longer than RECONNECT_SECONDS after its loss.
        Returns whether there is one."""
        until = time.monotonic() + seconds
        with self._changed:
            while self._session is None:
                away = self._away_since
                left = min(until, until if away is None else away + RECONNECT_SECONDS) - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def close(self) -> None:
        """Ends the connection. If a call of Ray does not return within some seconds, Ray is not shut down:
        see `driver.leave`."""
        ended = self._thread.close()
        self._end_session("the process is stopping")
        if not ended or not self._left(CLOSING_SECONDS):
            log.warning("a call of Ray does not end: the process ends during it")
            driver.leave()

    def _turn(self) -> None:
        if not self._left(LEAVING_SECONDS):
            problem = "a call of Ray has not returned: this process connects again after it"
            if self._problem != problem:
                log.warning("%s", problem)
                self._set(None, problem)
            return
        if self._session is None:
            self._connect()
            return
        lost = self._lost()
        if lost is not None:
            log.warning("the connection to the Ray cluster is lost: %s", lost)
            self._end_session(lost)
            self._thread.wake()

    def _end_session(self, problem: str) -> None:
        """No search begins in it any more. `_left` ends the calls in progress."""
        if self._session is not None:
            self._leaving = self._session
            self._set(None, problem)

    def _left(self, seconds: float) -> bool:
        """Shuts Ray down if every call of the session before returns within that time. Returns whether Ray is
        shut down."""
        leaving = self._leaving
        if leaving is None:
            return True
        if not leaving.end(seconds):
            return False
        self._leaving = None
        driver.stop()
        return True

    def _connect(self) -> None:
        try:
            driver.start(self._settings)
        except Exception as error:  # Ray's own and built-in ones; the next turn tries again
            problem = str(error).strip().partition("\n")[0] or type(error).__name__
            if problem != self._problem:
                log.warning("cannot connect to the Ray cluster, and try again: %s", problem)
            self._set(None, problem)
            driver.stop()  # what it has begun
            return
        self._set(Session(), None)
        log.info("connected to the Ray cluster %s", self._settings.cluster)

    def _lost(self) -> str | None:
        """Why another connection is needed; None if this one works, or may work again."""
        if self._settings.cluster.startswith("ray://"):
            return None if driver.client_answers() else "its client server does not answer"
        try:
            alive = driver.alive_nodes()
        except Exception as error:  # Ray's own and built-in ones
            problem = (
                "the head of the Ray cluster does not answer: shards are searched while their nodes live"
            )
            if self._problem != problem:
                log.warning("%s (%s)", problem, str(error).partition("\n")[0])
            self._set(self._session, problem)
            return None
        self._set(self._session, None)
        return None if driver.own_node() in alive else "this machine's Ray node has ended"

    def _set(self, session: Session | None, problem: str | None) -> None:
        with self._changed:
            if session is not None:
                self._away_since = None
            elif self._away_since is None:
                self._away_since = time.monotonic()
            self._session, self._problem = session, problem
            self._changed.notify_all()


def prepare(settings: Settings) -> None:
    """Sets Ray's variables, and then imports Ray, which reads them once. Nothing may import Ray
    before: only this import leaves `sys.excepthook` as it is. Raises Misconfigured."""
    if importlib.util.find_spec("ray") is None:
        raise Misconfigured("GEMEL_CLUSTER is set, but Ray is not installed: pip install 'gemel[cluster]'")
    os.environ |= {HEAD_AWAY: str(YEARS_SECONDS), "RAY_ENABLE_AUTO_CONNECT": "0", IGNORE: "1"}
    os.environ[NODE_PROCESS] = str(os.getpid())
    os.environ.setdefault(HEAD_ANSWERS, str(HEAD_ANSWERS_SECONDS))
    environment.prepare(settings)
    hook = sys.excepthook
    importlib.import_module("ray")
    sys.excepthook = hook
