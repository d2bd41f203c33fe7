"""`gemel` as it is typed: real processes, on an embedded PostgreSQL of their own."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2

GEMEL = Path(sys.executable).parent / "gemel"


class Home:
    """A folder with a PostgreSQL, and commands that are run on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("GEMEL_")} | {
            "GEMEL_HOME": str(folder),
            "COLUMNS": "200",
        }

    def run(
        self, *arguments: object, status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [GEMEL, *map(str, arguments)],
            env=self.environment | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: object) -> Any:
        return json.loads(self.run(*arguments, "--json").stdout)

    @contextlib.contextmanager
    def server(
        self, *arguments: str, command: Sequence[str | Path] = (GEMEL,), **environment: str
    ) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """Address and process of a `gemel serve`, ready; it leads a process group of its own.

        `command`: what runs instead of `gemel`.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with (self.folder / "server.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "serve", "--port", str(port), *arguments],
                env=self.environment | environment,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        base = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: ready(base) or process.poll() is not None, 180)
            yield base, process
        finally:
            process.terminate()
            process.wait()

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """A `gemel worker`, as long as the block lasts."""
        worker = subprocess.Popen([GEMEL, "worker"], env=self.environment, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            worker.terminate()
            worker.wait()


def ready(base: str) -> bool:
    try:
        return httpx2.get(f"{base}/readyz", timeout=5).status_code == 200
    except httpx2.TransportError:
        return False


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)
