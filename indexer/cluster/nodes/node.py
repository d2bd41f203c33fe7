"""Nodes of a Ray cluster on this machine: each is a process with Ray's own processes below it.

Imports no Ray: the process of the node does, `indexer.cluster.nodes.process`, so that each start begins with
fresh state and a node can be killed as a whole.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from indexer.cluster.nodes import folders
from indexer.errors import Misconfigured

log = logging.getLogger(__name__)

SHARD_RESOURCE = "gemel_shard"
"""A Ray resource that only nodes have which may hold shards. Each copy of a shard takes one unit."""
SHARDS_OF_A_NODE = 10_000
"""Units of it: more than a node can hold, for its memory is the limit."""
HEAD_PORT = 6379
"""Ray's default."""
STOPPING_SECONDS = 20.0
"""For a node to stop its processes; then they are killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    """What one node is to be."""

    name: str
    host: str
    """Address under which the other nodes reach it. With 127.0.0.1 its servers listen on the loopback
    interface only, otherwise on all addresses: Ray knows no third way."""
    head: bool = False
    address: str = ""
    """HOST:PORT of the head, for all other nodes."""
    port: int = HEAD_PORT
    """Of the head; 0: a free one."""
    holds_shards: bool = True
    client_port: int | None = None
    """Of the head's client server, for `GEMEL_CLUSTER=ray://HOST:PORT`; None: it has none."""
    ports: tuple[int, int] | None = None
    """First and last port of all others that it listens on; None: free ones."""
    state: Path | None = None
    """Folder in which the head keeps what it knows, so that it still knows it after a restart."""
    database: str = ""
    """Digest of the database; a node is rejected if another node has another database."""


class Node:
    """A running node. One thread uses it."""

    def __init__(self, options: NodeOptions, environment: Mapping[str, str]) -> None:
        """Returns before the node has started. Raises OSError."""
        self.options = options
        self.address = ""
        """HOST:PORT of the cluster's head, once it has started."""
        self.node_id = ""
        self._folder, lock = folders.make()
        given = asdict(options) | {"state": str(options.state) if options.state else None}
        given["folder"] = str(self._folder)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - it is this Python
                [sys.executable, "-m", "indexer.cluster.nodes.process", json.dumps(given)],
                stdin=subprocess.PIPE,  # it ends when this process does, for whatever reason
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=dict(environment),
                text=True,
                start_new_session=True,  # Ctrl-C is for this process, which then stops the nodes in order
                pass_fds=[lock],  # from now on the folder is in use as long as this process lives
            )
        finally:
            os.close(lock)
        self._output: list[str] = []
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def runs(self) -> bool:
        return self._process.poll() is None

    def wait_until_started(self) -> None:
        """Raises Misconfigured: Ray's reason is in the message."""
        stdout = self._process.stdout
        assert stdout is not None
        line = stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line.strip() else {}
        if "address" in answer:
            self.address, self.node_id = answer["address"], answer["node_id"]
            return
        self._process.wait()
        self._sweep()
        self._reader.join(1)  # what Ray's processes hold open may keep it from ending
        if answer.get("code") == Misconfigured.code:
            raise Misconfigured(answer["message"])
        reason = answer.get("message") or self.last_output or "Ray has said nothing"
        raise Misconfigured(f"the Ray node {self.options.name} did not start: {reason}")

    @property
    def last_output(self) -> str:
        """The last line that it has written to stderr."""
        return self._output[-1] if self._output else ""

    def terminate(self) -> None:
        """Ask it to stop. `close` waits for it."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    def close(self) -> None:
        """Stop it, and all processes below it."""
        self.terminate()
        try:
            self._process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._sweep()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _sweep(self) -> None:
        """Kill what is left of it. Ray's processes end by themselves when the node's process was killed, but
        not at once."""
        for process in processes_of(self.pid):
            with suppress(psutil.Error):
                process.kill()
        folders.remove(self._folder)

    def _read_output(self) -> None:
        stream: IO[str] | None = self._process.stderr
        assert stream is not None
        with stream:
            for line in stream:
                if text := line.strip():
                    log.debug("node %s: %s", self.options.name, text)
                    self._output = [*self._output[-9:], text]


def processes_of(session: int) -> list[psutil.Process]:
    """All processes of the session that the node's process leads."""
    found = []
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found
