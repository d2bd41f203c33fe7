"""A `gemel serve` with small limits, for tests of what a client may do before anybody knows who it is."""

import contextlib
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2

from tests.support.home import Home
from tests.support.hostile.raw_http import Raw, connected, request

HEADER_SECONDS = 2
BODY_SECONDS = 2
MAX_CONNECTIONS = 60
MAX_REQUESTS = 4
SOON = 20
"""Seconds that are far more than it takes, on a machine that others use too."""


class Service:
    def __init__(self, base: str, pid: int) -> None:
        self.base = base
        self._pid = str(pid)

    def memory_mb(self) -> float:
        """Resident memory of all processes that serve."""
        told = httpx2.get(f"{self.base}/metrics", timeout=60).text
        pids = set(re.findall(r'^gemel_index_galleries{pid="(\d+)"}', told, re.M)) or {self._pid}
        return sum(resident_mb(pid) for pid in pids)

    def health_seconds(self) -> float:
        began = time.monotonic()
        httpx2.get(f"{self.base}/healthz", timeout=60).raise_for_status()
        return time.monotonic() - began


def resident_mb(pid: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"^VmRSS:\s+(\d+) kB", status, re.M)[0]) / 1000


@contextlib.contextmanager
def serving(home: Home, *arguments: str, **environment: str) -> Iterator[Service]:
    limits = {
        "GEMEL_HEADER_TIMEOUT_S": str(HEADER_SECONDS),
        "GEMEL_BODY_TIMEOUT_S": str(BODY_SECONDS),
        "GEMEL_MAX_CONNECTIONS": str(MAX_CONNECTIONS),
        "GEMEL_MAX_REQUESTS": str(MAX_REQUESTS),
    }
    with home.server(*arguments, **(limits | environment)) as (base, process):
        yield Service(base, process.pid)


def post(target: str, *headers: str) -> bytes:
    return request("POST", target, "Content-Type: application/json", *headers)


CHUNKED = post("/v1/galleries", "Transfer-Encoding: chunked")


def assert_rejected(raw: Raw, status: int, code: str) -> None:
    """With a problem, and the connection ends."""
    answer = raw.answer()
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert json.loads(answer.body)["code"] == code
    assert raw.ends_within(SOON)


def status_of(base: str, *data: bytes) -> int:
    with connected(base) as raw:
        raw.send(*data)
        answer = raw.answer()
    assert answer is not None
    return answer.status
