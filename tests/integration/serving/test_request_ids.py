"""Every answer names its request, and so does every log line that the request made."""

import json
import logging
import re
from pathlib import Path

import httpx2
import pytest
from fastapi.testclient import TestClient

from indexer.logs import JsonFormatter
from tests.support.home import Home


@pytest.mark.parametrize("id", ["abc", "019ab3c0-6f6e-7c4e-9d0e-0b6f6f3d2a11", "a/b+c=:@~._-", "x" * 128])
def test_an_id_that_is_sent_comes_back(client: TestClient, id: str) -> None:
    for path in ("/healthz", "/v1/galleries", "/v1/galleries/nothere", "/nothere"):
        assert client.get(path, headers={"X-Request-Id": id}).headers["X-Request-Id"] == id


@pytest.mark.parametrize("id", ["", " ", "a b", "a\tb", "x" * 129, '"', "\x1b[2J", "é", "{}", "a,b"])
def test_an_id_that_is_not_fit_for_a_log_is_replaced(client: TestClient, id: str) -> None:
    headers = {b"X-Request-Id": id.encode("latin-1")}
    given = client.get("/healthz", headers=headers).headers["X-Request-Id"]

    assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_every_request_has_an_id_of_its_own(client: TestClient) -> None:
    ids = {client.get("/healthz").headers["X-Request-Id"] for _ in range(5)}
    two = client.get("/healthz", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])

    assert len(ids) == 5
    assert two.headers["X-Request-Id"] not in ("a", "b")


def test_the_log_line_of_an_error_names_the_request(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also of one that nobody foresaw, whose answer names it in the header and in the body."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(self.format(record)))

    lines: list[dict[str, str]] = []
    handler = Lines()
    handler.setFormatter(JsonFormatter())
    logging.getLogger("service").addHandler(handler)
    monkeypatch.setattr(client.app.state, "engine", None)  # type: ignore[attr-defined]
    try:
        answer = client.get("/v1/galleries", headers={"X-Request-Id": "seen"})
    finally:
        logging.getLogger("service").removeHandler(handler)

    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] == answer.json()["request_id"] == "seen"
    assert [line["request_id"] for line in lines if "trace" in line] == ["seen"]


def test_lines_of_a_server_are_json_on_request(tmp_path: Path, migrated_cluster: Path) -> None:
    with Home(tmp_path, cluster=migrated_cluster).server(GEMEL_LOG_FORMAT="json") as (base, _):
        httpx2.get(f"{base}/v1/galleries", headers={"X-Request-Id": "mine"}).raise_for_status()
    log = (tmp_path / "server.log").read_text()

    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [access] = [line for line in lines if line.get("request_id") == "mine"]
    assert "GET /v1/galleries" in access["message"]
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) for line in lines)
    assert not re.search(r"^INFO: ", log, re.M)
