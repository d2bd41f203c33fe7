"""Gemel over HTTP: `gemel serve` with the default settings and the embedded PostgreSQL.

Each client keeps one connection. The clients run on the same cores as the server.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.peers.contender import CLIENTS, Answers, timed
from benchmarks.peers.task import Portrait, Task
from benchmarks.server import Server, readiness, serve
from indexer.records import embedded

_GALLERY = "/v1/galleries/lfw"
_BOUNDARY = "a-boundary-that-no-photograph-contains"
_WARM_UP = 10


@contextmanager
def contender(_: Task, __: Path) -> Iterator["OverHttp"]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gemel-bench-")))
        stack.callback(embedded.stop, home)
        server = stack.enter_context(serve(embedded.start(home), home))
        server.wait(readiness)
        yield OverHttp(server, home)


class OverHttp:
    def __init__(self, server: Server, home: Path) -> None:
        self._server = server
        self._home = home
        self.enrolled = 0
        self._model = ""
        with closing(server.connection()) as connection:
            body = json.dumps({"name": _GALLERY.rpartition("/")[2]}).encode()
            _exchange(connection, "/v1/galleries", body, "application/json")

    def enrol(self, people: Sequence[Portrait]) -> float:
        def enrol(connection: HTTPConnection, portrait: Portrait) -> bool:
            fields = {"external_id": portrait.name, "several_faces": "largest"}
            answer = _send(connection, f"{_GALLERY}/identities", fields, "images", portrait.path)
            return answer is not None

        start = time.perf_counter()
        self.enrolled = sum(self._ask_all(enrol, people, CLIENTS))
        return time.perf_counter() - start

    def identify(self, paths: Sequence[str], clients: int) -> Answers:
        def identify(connection: HTTPConnection, path: str) -> str | None:
            answer = _send(connection, f"{_GALLERY}/identify", {"max_candidates": "1"}, "image", path)
            if answer is None or not answer["faces"]:
                return None
            self._model = answer["model"]
            return str(answer["faces"][0]["candidates"][0]["identity"]["external_id"])

        self._ask_all(identify, paths[:_WARM_UP], clients)
        return timed(lambda: self._ask_all(identify, paths, clients), self._processes())

    @property
    def facts(self) -> dict[str, Any]:
        return {"version": f"{version('gemel')}, {self._model}", "way": "HTTP"}

    def _ask_all(self, ask: Any, subjects: Sequence[Any], clients: int) -> list[Any]:
        """The answers in the order of the subjects. Each client takes the next subject."""
        with ExitStack() as stack:
            idle = [stack.enter_context(closing(self._server.connection())) for _ in range(clients)]

            def one(subject: Any) -> Any:
                connection = idle.pop()
                try:
                    return ask(connection, subject)
                finally:
                    idle.append(connection)

            pool = stack.enter_context(ThreadPoolExecutor(clients))
            return list(pool.map(one, subjects))

    def _processes(self) -> list[int]:
        """The server and its PostgreSQL."""
        databases = [int(file.read_text().split()[0]) for file in self._home.rglob("postmaster.pid")]
        return [self._server.process.pid, *databases]


def _send(connection: HTTPConnection, url: str, fields: dict[str, str], field: str, path: str) -> Any:
    """The answer, or None if the photograph is rejected. Raises SystemExit."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="photograph.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    )
    body = "".join(parts).encode() + Path(path).read_bytes() + f"\r\n--{_BOUNDARY}--\r\n".encode()
    return _exchange(connection, url, body, f"multipart/form-data; boundary={_BOUNDARY}")


def _exchange(connection: HTTPConnection, url: str, body: bytes, content_type: str) -> Any:
    connection.request("POST", url, body, {"Content-Type": content_type})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status == 422:
        return None
    if answer.status >= 400:
        raise SystemExit(f"the server answers {answer.status}: {text.decode()}")
    return json.loads(text)
