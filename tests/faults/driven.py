"""A `node` in a process of its own, that can be killed."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


class Killed(Exception):
    """The process ended before it answered."""


class Driven:
    def __init__(self, url: str, home: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.node", url, str(home)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            text=True,
        )

    def do(self, what: str, **details: Any) -> Any:
        """What it answers once it is done. Raises Killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": what} | details) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            assert self._process.wait() == -signal.SIGKILL, "it failed, and was not killed"
            raise Killed
        return json.loads(answer)["done"]

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> None:
        """It may be dead already."""
        self._process.communicate()
