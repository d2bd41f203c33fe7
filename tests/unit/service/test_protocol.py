"""A connection has an end, whatever its client does: the protocol alone, over real sockets."""

import socket
import threading
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from service.protocol.closing import LINGER_SECONDS
from service.protocol.connections import ConnectionLimits, Connections
from service.protocol.message_size import MessageSize
from service.stopping import Stop
from tests.support.home import wait_for
from tests.support.hostile.raw_http import Raw, connected, request

LARGE = b"x" * 8_000_000
"""More than the systems at both ends keep of an answer that nobody reads."""
LONG = 3_600.0
LIMITS = ConnectionLimits(max_connections=100, head_seconds=LONG, body_seconds=LONG)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await receive()
        scope["state"] |= {"connections": Connections(LIMITS), "stop": Stop(delay_seconds=0)}
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    length = str(len(LARGE)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": LARGE})


@pytest.fixture
def base() -> Iterator[str]:
    config = uvicorn.Config(
        application, http="service.protocol.http1:BoundedProtocol", ws="none", log_level="error"
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        wait_for(lambda: server.started)
        yield "http://{}:{}".format(*listening.getsockname())
        server.should_exit = True
        thread.join()


def closed_by_peer(raw: Raw) -> bool:
    return raw.send_while_open(b"\r\n", times=2) < 2


def test_a_client_that_is_rejected_before_it_reads_its_answers_is_cut_off_once_it_has_read_them(
    base: str,
) -> None:
    with connected(base, receive_bytes=4_096) as raw:
        raw.send(request("GET", "/"))
        assert raw.socket.recv(1, socket.MSG_PEEK), "the answer has begun"
        raw.send(b"nonsense\r\n\r\n")

        first, second = raw.answer(), raw.answer()

        assert first is not None
        assert second is not None
        assert (first.status, len(first.body), second.status) == (200, len(LARGE), 400)
        wait_for(lambda: closed_by_peer(raw), LINGER_SECONDS + 30)


def test_the_bytes_that_are_left_of_a_body_are_known_from_its_head_until_its_end() -> None:
    size = MessageSize()
    size.field(b"Content-Length", b"10")
    left = [size.body_bytes_left]
    size.head_complete()
    left.append(size.body_bytes_left)
    size.body(4)
    left.append(size.body_bytes_left)
    size.body(6)
    left.append(size.body_bytes_left)

    assert left == [0, 10, 6, 0]


def test_of_a_chunked_body_no_bytes_are_known_to_be_left() -> None:
    size = MessageSize()
    size.field(b"Transfer-Encoding", b"chunked")
    size.head_complete()
    size.body(4)

    assert size.body_bytes_left == 0
