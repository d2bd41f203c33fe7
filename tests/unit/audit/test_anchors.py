"""Anchors are appended to a file, or posted, and read back."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from indexer.audit import anchors
from indexer.audit.anchors import Anchor
from indexer.errors import AnchorNotWritten, InvalidRequest

ONE = Anchor(number=7, hash=bytes(range(32)), at="2026-01-31T09:30:00.000000Z")
TWO = Anchor(number=9, hash=bytes(32), at="2026-02-01T09:30:00.000000Z")


class Receiver(BaseHTTPRequestHandler):
    received: list[bytes]

    def do_POST(self) -> None:
        self.received.append(self.rfile.read(int(self.headers["Content-Length"])))
        status = {"/ok": 204, "/moved": 302}.get(self.path, 500)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    received: list[bytes] = []
    with HTTPServer(("127.0.0.1", 0), type("Own", (Receiver,), {"received": received})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


def test_anchors_are_appended_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(ONE, path)
    anchors.append(TWO, path)

    assert list(anchors.read(path)) == [ONE, TWO]


@pytest.mark.parametrize("line", ["{", "[]", "{}", '{"number": 1, "hash": "00", "at": "2026-01-01"}', "7"])
def test_a_line_that_is_no_anchor_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "anchors.jsonl"
    anchors.append(ONE, path)
    with path.open("a") as file:
        file.write(line + "\n")

    with pytest.raises(InvalidRequest, match="line 2"):
        list(anchors.read(path))


def test_an_anchor_is_posted(receiver: tuple[str, list[bytes]]) -> None:
    base, received = receiver

    anchors.send(ONE, base + "/ok")

    assert [json.loads(body) for body in received] == [ONE.as_json()]


@pytest.mark.parametrize("path", ["/moved", "/broken"])
def test_an_anchor_that_is_not_taken_is_an_error(receiver: tuple[str, list[bytes]], path: str) -> None:
    """A redirect is not followed: it could lead anywhere."""
    base, received = receiver

    with pytest.raises(AnchorNotWritten):
        anchors.send(ONE, base + path)

    assert len(received) == 1


def test_a_webhook_that_does_not_listen_is_an_error_without_its_token() -> None:
    with pytest.raises(AnchorNotWritten) as caught:
        anchors.send(ONE, "http://127.0.0.1:9/hook?token=secret", timeout_seconds=1)

    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://host/x", "https://", "https://user:secret@host/", "hook", ""]
)
def test_only_http_and_https_are_webhooks(url: str) -> None:
    with pytest.raises(InvalidRequest):
        anchors.check_webhook(url)
