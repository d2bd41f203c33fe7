"""Our search by embedding over HTTP, as any client would use it: one connection each, with JSON.

The clients run on the same cores as the server.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path

import numpy as np

from benchmarks.search.contender import CORES, Contender
from benchmarks.search.gallery import GALLERY, fill, migrate
from benchmarks.search.task import K, Task
from benchmarks.server import readiness, serve
from indexer.types import Tier, Vectors

CLIENTS = 2 * CORES
TIERS = (Tier.EXACT, Tier.COMPACT)


@contextmanager
def contenders(url: str, home: Path, task: Task) -> Iterator[list[Contender]]:
    """`http-exact` and `http-compact`, each with a server of its own. `url`: of an empty PostgreSQL."""
    migrate(url)
    with serve(url, home, Tier.EXACT) as server:
        server.wait(readiness)
        idle_bytes = server.resident_bytes
    fill(url, task)
    with ExitStack() as stack:
        yield [stack.enter_context(_contender(url, home, tier, task, idle_bytes)) for tier in TIERS]


@contextmanager
def _contender(url: str, home: Path, tier: Tier, task: Task, idle_bytes: int) -> Iterator[Contender]:
    """The server is started twice: the first one has to build the index (`build_s`, from the start of the
    process to its first answer), the second finds it on disk (`start_s`, likewise)."""

    def searched(client: HTTPConnection) -> int:
        return _ask(client, task.probes[0].tolist())[0]

    with serve(url, home / tier, tier) as server:
        build_s = server.wait(searched)
    with ExitStack() as stack:
        server = stack.enter_context(serve(url, home / tier, tier))
        start_s = server.wait(searched)
        clients = [stack.enter_context(closing(server.connection())) for _ in range(CLIENTS)]
        pool = stack.enter_context(ThreadPoolExecutor(CLIENTS))

        def batch(probes: Vectors) -> list[int]:
            parts = pool.map(_nearest, clients, np.array_split(probes, CLIENTS))
            return [place for part in parts for place in part]

        batch(task.probes[: 10 * CLIENTS])  # the first queries allocate what later ones use again
        grown_bytes = server.resident_bytes - idle_bytes
        yield Contender(
            name=f"http-{tier}",
            search=lambda probes: _nearest(clients[0], probes),
            batch=batch,
            places=lambda answer: answer,
            facts={
                "tier": str(tier),
                "clients": CLIENTS,
                "build_s": round(build_s, 3),
                "start_s": round(start_s, 3),
                "bytes_per_face": round(grown_bytes / task.n, 1),
            },
        )


def _nearest(client: HTTPConnection, probes: Vectors) -> list[int]:
    """The first place of each probe; they are sent one by one. Raises SystemExit."""
    first = []
    for probe in probes:
        status, body = _ask(client, probe.tolist())
        if status != 200:
            raise SystemExit(f"the server answers {status}: {body.decode()}")
        first.append(int(json.loads(body)["candidates"][0]["identity"]["external_id"]))
    return first


def _ask(client: HTTPConnection, probe: Sequence[float]) -> tuple[int, bytes]:
    body = json.dumps({"embedding": probe, "max_candidates": K})
    try:
        return _exchange(client, body)
    except (BrokenPipeError, ConnectionResetError, RemoteDisconnected):
        client.close()  # a server closes a connection that is silent for long
        return _exchange(client, body)


def _exchange(client: HTTPConnection, body: str) -> tuple[int, bytes]:
    client.request("POST", f"/v1/galleries/{GALLERY}/search", body, {"Content-Type": "application/json"})
    answer = client.getresponse()
    return answer.status, answer.read()
