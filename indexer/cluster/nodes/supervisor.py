"""Keeps nodes running in the foreground: starts them, starts again what has ended, stops them all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from indexer.cluster.nodes import folders
from indexer.cluster.nodes.node import Node, NodeOptions
from indexer.cluster.nodes.stop_request import StopRequest
from indexer.errors import GemelError

CHECK_SECONDS = 0.5
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 15.0
"""Before a node that has ended is started again: twice as long each time, until one has run for a minute."""
HEALTHY_SECONDS = 60.0


class Supervisor:
    """Runs nodes until it is stopped. One thread uses it; a signal handler may call `stop`."""

    def __init__(
        self, nodes: Sequence[NodeOptions], environment: Mapping[str, str], report: Callable[[str], None]
    ) -> None:
        """`nodes`: a head, if there is one, is the first. `report` prints what happens to a node."""
        self._report = report
        self._kept = [_Kept(options, environment) for options in nodes]
        self._stopping = StopRequest()

    def start(self) -> str:
        """Start all nodes. Returns HOST:PORT of the head. Folders that killed nodes have left are removed.

        Raises Misconfigured, OSError; `close` it then too.
        """
        folders.remove_left_over()
        first, *others = self._kept
        first.begin()
        address = first.node.address
        for kept in others:
            kept.options = replace(kept.options, address=address)
            kept.launch()
        for kept in others:
            kept.node.wait_until_started()
        return address

    def run(self, ended: Callable[[], bool]) -> None:
        """Returns after `stop`, or once `ended` is true."""
        while not self._stopping.wait(CHECK_SECONDS) and not ended():
            for kept in self._kept:
                self._keep(kept)

    def stop(self) -> None:
        self._stopping.set()

    def close(self) -> None:
        """Stop all nodes and their processes, the head last: the others sign off from it."""
        for kept in reversed(self._kept):
            if kept.launched:
                kept.node.terminate()
        for kept in reversed(self._kept):
            if kept.launched:
                kept.node.close()

    def _keep(self, kept: "_Kept") -> None:
        name = kept.options.name
        now = time.monotonic()
        if kept.due is None:
            if kept.node.runs:
                return
            kept.node.close()
            kept.due = now + kept.pause(now)
            why = f": {kept.node.last_output}" if kept.node.last_output else ""
            self._report(f"Node {name} has stopped{why}. It is started again.")
        elif now >= kept.due:
            try:
                kept.begin()
            except (GemelError, OSError) as error:
                kept.node.close()
                kept.due = time.monotonic() + kept.pause(now)
                self._report(f"{error}. The next attempt is in {kept.last_pause:.0f} seconds.")
            else:
                kept.due = None
                self._report(f"Node {name} runs again.")


class _Kept:
    """One node, over its restarts."""

    def __init__(self, options: NodeOptions, environment: Mapping[str, str]) -> None:
        self.options = options
        self.due: float | None = None
        """When it is to be started again, while it does not run."""
        self.last_pause = 0.0
        self._environment = environment
        self._launched_at = 0.0
        self._node: Node | None = None

    @property
    def launched(self) -> bool:
        return self._node is not None

    @property
    def node(self) -> Node:
        assert self._node is not None
        return self._node

    def launch(self) -> None:
        self._launched_at = time.monotonic()
        self._node = Node(self.options, self._environment)

    def begin(self) -> None:
        """Raises Misconfigured, OSError."""
        self.launch()
        self.node.wait_until_started()
        if self.options.head:  # the others know it by this address, also after a restart
            self.options = replace(self.options, port=int(self.node.address.rpartition(":")[2]))

    def pause(self, now: float) -> float:
        """Seconds until the next start."""
        if now - self._launched_at > HEALTHY_SECONDS or not self.last_pause:
            self.last_pause = FIRST_PAUSE_SECONDS
        else:
            self.last_pause = min(2 * self.last_pause, LONGEST_PAUSE_SECONDS)
        return self.last_pause
