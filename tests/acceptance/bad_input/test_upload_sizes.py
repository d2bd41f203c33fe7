"""The size of an upload, over a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from indexer.settings import Settings
from service.app import create_app
from tests.support.asking import (
    MULTIPART,
    assert_problem,
    files,
)


@pytest.fixture(scope="module")
def address(service_settings: Settings) -> Iterator[tuple[str, int]]:
    """Where the service listens, as it does in earnest."""
    app = create_app(service_settings)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()
        server.should_exit = True
        thread.join()


def head(path: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: testserver",
        "Content-Type: multipart/form-data; boundary=x",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_answer(connection: socket.socket) -> tuple[int, dict[str, str], dict[str, Any]]:
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers = {}
        while line := file.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return status, headers, json.loads(file.read(int(headers["content-length"])))


def paths(staff: str) -> list[str]:
    return ["/v1/detect", f"/v1/galleries/{staff}/identities", "/v1/galleries"]


def test_an_upload_that_announces_too_much_is_refused_before_it_is_sent(
    address: tuple[str, int], staff: str, unchanged: None
) -> None:
    """50 MB by Content-Length: the answer is there though not one byte of the body was sent."""
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Content-Length: 50000000"))
            status, headers, problem = read_answer(connection)

        assert status == problem["status"] == 413
        assert headers["content-type"] == "application/problem+json"
        assert problem["code"] == "upload_too_large"
        assert problem["measured"] == 50_000_000
        assert problem["limit"] == 8_000_000


def test_an_upload_of_unknown_length_is_cut_off_at_the_limit(
    address: tuple[str, int], staff: str, unchanged: None
) -> None:
    """Chunked, without Content-Length: nine megabytes are sent and no end, and the answer is there."""
    start = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Transfer-Encoding: chunked"))
            for block in (start, *[bytes(1_000_000)] * 9):
                connection.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            status, headers, problem = read_answer(connection)

        assert status == problem["status"] == 413
        assert headers["content-type"] == "application/problem+json"
        assert problem["code"] == "upload_too_large"


def test_an_upload_that_breaks_off_leaves_nothing_and_the_service_goes_on(
    api: TestClient,
    address: tuple[str, int],
    staff: str,
    hopper: bytes,
    unchanged: None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The client hangs up in the middle: no error of the service's is logged for it."""
    start = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    for path in paths(staff):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head(path, "Content-Length: 100000") + start + hopper[:10_000])
    for _ in range(3):
        with socket.create_connection(address, timeout=60) as connection:
            connection.sendall(head("/v1/detect", "Content-Length: 0"))
            status, _, _ = read_answer(connection)
        assert 400 <= status < 500
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_an_upload_at_the_limit_is_read(api: TestClient, hopper: bytes) -> None:
    """8 MB in all, most of it rubbish behind the picture."""
    picture = hopper + bytes(7_990_000 - len(hopper))
    assert api.post("/v1/detect", files=files("image", picture)).status_code == 200
    assert_problem(
        api.post("/v1/detect", files=files("image", picture + bytes(20_000))), 413, "upload_too_large"
    )


def test_a_content_length_that_is_no_length_breaks_nothing(api: TestClient, unchanged: None) -> None:
    """Servers other than ours may let such a header through."""
    for length in ("9" * 5000, "-5", "abc", "1e9", ""):
        answer = api.post("/v1/detect", content=b"x", headers={**MULTIPART, "content-length": length})
        assert_problem(answer)
