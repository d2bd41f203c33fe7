"""SIGTERM while clients hold connections that say nothing, or next to nothing."""

import contextlib
from pathlib import Path

import pytest

from tests.support.home import Home
from tests.support.hostile.raw_http import many, request

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
