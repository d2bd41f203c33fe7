"""SIGTERM while requests are in progress, and while connections say nothing or next to nothing."""

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.support.home import Home, wait_for
from tests.support.hostile.raw_http import many, request
from tests.support.stopped_postgresql import stopped_postgresql

GRACE_SECONDS = 10
POST = ("Content-Type: application/json",)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_asked_to_stop_it_ends_though_connections_are_silent(
    tmp_path: Path, migrated_cluster: Path, workers: str
) -> None:
    """And though bodies do not come to their end."""
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server("--workers", workers) as (base, process), contextlib.ExitStack() as stack:
        for data in (
            b"",
            b"GET /healthz HTTP/1.1\r\nX-A: ",
            request("POST", "/v1/galleries", *POST, "Content-Length: 1000") + b"{",
            request("POST", "/v1/galleries", *POST, "Transfer-Encoding: chunked") + b"5;",
            request("GET", "/healthz"),
        ):
            stack.enter_context(many(base, 3, data))
        process.terminate()
        assert process.wait(timeout=GRACE_SECONDS + 30) == 0
    assert "Traceback" not in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stop_is_announced_and_every_request_that_was_accepted_is_answered(
    tmp_path: Path, migrated_cluster: Path, workers: int
) -> None:
    """PostgreSQL hangs, so that requests are in progress until the server accepts no more."""
    home = Home(tmp_path, cluster=migrated_cluster)
    log = tmp_path / "server.log"
    with (
        home.server("--workers", str(workers), GEMEL_STOP_DELAY_S="10") as (base, process),
        ThreadPoolExecutor(8) as pool,
    ):
        wait_for(lambda: len(re.findall("Application startup complete", log.read_text())) == workers)
        with stopped_postgresql(tmp_path):
            before = [pool.submit(httpx2.get, f"{base}/v1/galleries", timeout=60) for _ in range(4)]
            wait_for(lambda: all(future.running() for future in before))
            process.terminate()
            wait_for(lambda: _readiness(base) == (503, "stopping"))
            during = httpx2.get(f"{base}/healthz", timeout=60)
            late = pool.submit(httpx2.get, f"{base}/v1/galleries", timeout=60)
            wait_for(lambda: _readiness(base) is None)
        answers = [future.result() for future in (*before, late)]
        assert process.wait(timeout=60) == 0

    assert (during.status_code, during.headers["connection"]) == (200, "close")
    assert [answer.status_code for answer in answers] == [200] * 5
    assert log.read_text().count("stopping in 10 s") == workers
    assert "Traceback" not in log.read_text()


def _readiness(base: str) -> tuple[int, str] | None:
    """Status and code; None if no connection is accepted, or if one is reset that nobody had accepted yet."""
    try:
        answer = httpx2.get(f"{base}/readyz", timeout=60)
    except httpx2.TransportError:
        return None
    return answer.status_code, answer.json().get("code", "")


def test_a_second_sigterm_ends_the_delay(tmp_path: Path, migrated_cluster: Path) -> None:
    home = Home(tmp_path, cluster=migrated_cluster)
    with home.server(GEMEL_STOP_DELAY_S="600") as (base, process):
        process.terminate()
        wait_for(lambda: _readiness(base) == (503, "stopping"))
        process.terminate()
        assert process.wait(timeout=60) == 0
