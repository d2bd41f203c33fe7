"""A server with a certificate of its own, and clients that are slow or speak something else."""

import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.support.certificates import make_certificate, needs_openssl
from tests.support.home import Home, wait_for

pytestmark = needs_openssl
SECONDS = 2.0
MAX_CONNECTIONS = 20


@dataclass(frozen=True)
class Server:
    base: str
    context: ssl.SSLContext
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.base.rpartition(":")[2])

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.base + path, verify=self.context, timeout=60)

    def raw(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=60)

    def secured(self, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
        return (context or self.context).wrap_socket(self.raw(), server_hostname="127.0.0.1")


@pytest.fixture(scope="module", params=["1", "2"], ids=["one worker", "two workers"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated_cluster: Path
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("home")
    certificate, key = make_certificate(folder)
    settings = {
        "GEMEL_TLS_CERT": str(certificate),
        "GEMEL_TLS_KEY": str(key),
        "GEMEL_HEADER_TIMEOUT_S": str(SECONDS),
        "GEMEL_BODY_TIMEOUT_S": str(SECONDS),
        "GEMEL_MAX_CONNECTIONS": str(MAX_CONNECTIONS),
    }
    home = Home(folder, cluster=migrated_cluster)
    with home.server("--workers", request.param, **settings) as (base, process):
        context = ssl.create_default_context(cafile=certificate)
        yield Server(base, context, folder / "server.log")
        process.terminate()
        assert process.wait(timeout=60) == 0
    assert "Traceback" not in (folder / "server.log").read_text()


def test_requests_are_answered_over_https_alone(server: Server) -> None:
    assert server.get("/v1/galleries").status_code == 200
    assert f"Uvicorn running on {server.base}" in server.log.read_text()
    with pytest.raises(httpx2.TransportError):
        httpx2.get(server.base.replace("https", "http") + "/healthz", timeout=60)


@pytest.mark.parametrize(
    ("version", "accepted"), [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True)]
)
def test_versions_before_1_2_are_rejected(server: Server, version: ssl.TLSVersion, accepted: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1") if not accepted else contextlib.nullcontext():
        context.minimum_version = context.maximum_version = version
    outcome = contextlib.nullcontext() if accepted else pytest.raises(ssl.SSLError)
    with outcome, server.secured(context) as secured:
        assert secured.version() == "TLSv1.2"


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["silent", "partial"])
def test_a_handshake_without_end_is_closed(server: Server, sent: bytes) -> None:
    with server.raw() as raw:
        raw.sendall(sent)
        assert raw.recv(1000) == b""


def test_unfinished_handshakes_leave_room_for_a_new_client(server: Server) -> None:
    """The one that has waited longest is closed for it."""
    with contextlib.ExitStack() as stack:
        for _ in range(5 * MAX_CONNECTIONS):
            stack.enter_context(server.raw())
        assert server.get("/healthz").status_code == 200


def test_a_header_block_without_end_is_answered_with_408(server: Server) -> None:
    with server.secured() as secured:
        secured.sendall(b"GET /healthz HTTP/1.1\r\nX-A: ")
        assert secured.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_body_without_end_is_answered_with_408(server: Server) -> None:
    with server.secured() as secured:
        secured.sendall(
            b"POST /v1/galleries HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n{"
        )
        assert secured.recv(1000).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_does_not_read_the_answers_is_closed(server: Server) -> None:
    """A megabyte and a half each, of a page's script: more than the system keeps for a client."""
    with server.secured() as secured:
        secured.sendall(b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
        secured.setblocking(False)
        wait_for(lambda: _is_reset(secured))


def _is_reset(connection: ssl.SSLSocket) -> bool:
    """Without reading: a reset shows when something is sent."""
    try:
        connection.send(b"\r\n")
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return False
    except OSError:
        return True
    return False
