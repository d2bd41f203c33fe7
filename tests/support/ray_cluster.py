"""A Ray cluster on this machine: a head, and nodes that hold shards. Each can be killed and stopped."""

import os
import secrets
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from indexer.cluster import environment, token
from indexer.cluster.environment import LOOPBACK
from indexer.cluster.nodes.node import Node, NodeOptions, processes_of
from indexer.errors import Misconfigured
from indexer.settings import Settings

_TOKEN = secrets.token_hex(32)
"""Of all clusters of this process: Ray reads it once."""
HEAD = 0
"""The head's number; it holds no shards. Those of the others are 1, 2, ..."""


class RayCluster:
    """As a context manager. Its nodes use one PostgreSQL, and each has a disk of its own.

    Ray and `indexer.cluster.connection` set variables of a process that uses the cluster. They end with it.
    """

    def __init__(
        self, url: str, home: Path, *, nodes: int = 3, variables: Mapping[str, str] | None = None
    ) -> None:
        """`url`: of the PostgreSQL; `home`: for the disks and the token. `variables`: further ones of the
        nodes' environment, such as `GEMEL_INDEX_TIER`."""
        self._home = home
        self._url = url
        self._variables = dict(variables or {})
        names = ["head", *(f"node-{number}" for number in range(1, nodes + 1))]
        self._options = [
            NodeOptions(name=name, host=LOOPBACK, head=False, holds_shards=True) for name in names
        ]
        self._nodes: list[Node | None] = [None] * len(names)
        self.address = ""
        """HOST:PORT of the head, also while it does not run."""

    def __enter__(self) -> Self:
        self._kept = _variables_of_ray()
        os.environ[token.TOKEN] = _TOKEN
        try:
            self.start(HEAD)
            for number in self.numbers:
                self._launch(number)
            for number in self.numbers:
                self._wait(number)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    @property
    def numbers(self) -> range:
        """Of the nodes that hold shards."""
        return range(1, len(self._options))

    @property
    def running(self) -> list[int]:
        """Numbers of those that run, the head not among them."""
        return [number for number in self.numbers if self._nodes[number] is not None]

    def node_id(self, number: int) -> str:
        return self._node(number).node_id

    def disk(self, number: int) -> Path:
        """GEMEL_HOME of a node."""
        return self._home / self._options[number].name

    def start(self, number: int) -> None:
        """Starts a node that has not run yet, or was killed. Returns when it has joined."""
        self._launch(number)
        self._wait(number)
        if number == HEAD:
            self.address = self._node(HEAD).address

    def kill(self, number: int) -> None:
        """As if its machine lost power."""
        self.send(number, signal.SIGKILL)
        self._node(number).close()
        self._nodes[number] = None

    def send(self, number: int, what: signal.Signals) -> None:
        """To all processes of a node, such as SIGSTOP and SIGCONT."""
        for process in self.processes(number):
            with suppress(psutil.Error):
                process.send_signal(what)

    def processes(self, number: int) -> list[psutil.Process]:
        return processes_of(self._node(number).pid)

    def _launch(self, number: int) -> None:
        disk = self.disk(number)
        disk.mkdir(exist_ok=True)
        options = self._options[number]
        if number == HEAD:
            state = disk / "state"  # so that a head that is started again knows what it knew
            state.mkdir(exist_ok=True)
            port = int(self.address.rpartition(":")[2] or 0)  # where the nodes look for it
            options = replace(options, head=True, holds_shards=False, port=port, state=state)
        else:
            options = replace(options, address=self.address)
        variables = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        variables |= {token.TOKEN: _TOKEN} | self._variables
        variables |= {"GEMEL_DATABASE_URL": self._url, "GEMEL_HOME": str(disk)}
        token.authenticate(Settings(home=disk), variables)
        environment.common(variables)
        self._nodes[number] = Node(options, variables)

    def _wait(self, number: int) -> None:
        """Ray gives a node half a minute to start, however busy the machine is: there is a second attempt."""
        try:
            self._node(number).wait_until_started()
        except Misconfigured:
            self._node(number).close()
            self._launch(number)
            self._node(number).wait_until_started()

    def _node(self, number: int) -> Node:
        node = self._nodes[number]
        assert node is not None, f"node {number} does not run"
        return node

    def _close(self) -> None:
        running = [node for node in reversed(self._nodes) if node is not None]
        for node in running:
            node.terminate()
        for node in running:
            node.close()
        for name in _variables_of_ray():
            del os.environ[name]
        os.environ.update(self._kept)


def _variables_of_ray() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
