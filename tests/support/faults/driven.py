"""A `node` in a process of its own, that can be killed."""

import signal
from pathlib import Path
from typing import Any

from tests.support.faults import node
from tests.support.faults.forkserver import context


class Killed(Exception):
    """The process ended before it answered."""


class Driven:
    def __init__(self, url: str, home: Path) -> None:
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=node.serve, args=(url, home, theirs))
        self._process.start()
        theirs.close()

    def do(self, what: str, **details: Any) -> Any:
        """What it answers once it is done. Raises Killed."""
        try:
            self._ours.send({"do": what} | details)
            return self._ours.recv()
        except (EOFError, ConnectionError):
            self._process.join()
            assert self._process.exitcode == -signal.SIGKILL, "it failed, and was not killed"
            raise Killed from None

    def kill(self) -> None:
        """It may be dead already."""
        self._process.kill()
        self._process.join()
        self._ours.close()
