"""A `gemel serve` of its own, in a process of its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.search.contender import resident_bytes
from indexer.types import Tier

PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    process: subprocess.Popen[bytes]
    port: int
    started: float = field(default_factory=time.perf_counter)

    @property
    def resident_bytes(self) -> int:
        return resident_bytes(self.process.pid)

    def connection(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def wait(self, status: Callable[[HTTPConnection], int]) -> float:
        """Repeats the request until the status is 200; returns seconds since the start. Raises SystemExit."""
        while self.process.poll() is None and time.perf_counter() - self.started < PATIENCE_SECONDS:
            connection = self.connection()
            try:
                last = status(connection)
            except OSError:  # it does not listen yet
                last = 503
            finally:
                connection.close()
            if last == 200:
                return time.perf_counter() - self.started
            if last != 503:
                raise SystemExit(f"the server answers {last}")
            time.sleep(0.05)
        raise SystemExit("the server ended, or was not ready in time")


@contextmanager
def serve(
    url: str, home: Path, tier: Tier | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """`url`: of its PostgreSQL; `home`: of its snapshots. Not ready yet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {
        "GEMEL_DATABASE_URL": url,
        "GEMEL_HOME": str(home),
        "GEMEL_LOG_LEVEL": "warning",
    }
    if tier is not None:
        variables["GEMEL_INDEX_TIER"] = str(tier)
    process = subprocess.Popen(
        [Path(sys.executable).parent / "gemel", "serve", "--port", str(port)],
        env=os.environ | variables | dict(settings or {}),
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Server(process=process, port=port)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def ready_server(url: str, home: Path) -> Iterator[str]:
    """The address of a server with the default tier, once it is ready."""
    with serve(url, home) as server:
        server.wait(readiness)
        yield f"http://127.0.0.1:{server.port}"


def readiness(client: HTTPConnection) -> int:
    """The status of `/readyz`."""
    client.request("GET", "/readyz")
    return client.getresponse().status
