"""Header blocks without end, that drip, that are no HTTP; and for which host a request is."""

import json
from uuid import uuid4

import pytest

from tests.support.hostile.raw_http import connected, request
from tests.support.hostile.service import (
    HEADER_SECONDS,
    SOON,
    Service,
    assert_rejected,
    post,
    status_of,
)


@pytest.mark.parametrize(
    "endless",
    [
        (b"GET /healthz HTTP/1.1\r\nX-A: ", b"a" * 65_536),
        (b"GET /healthz HTTP/1.1\r\n", b"X-A: " + b"a" * 1000 + b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\n", b"a:\r\n" * 10_000),
        (b"GET /", b"a" * 65_536),
        (b"GET /healthz HTTP/1.1\r\n", b"a" * 65_536),
        (b"", b"\r\n" * 32_768),
    ],
    ids=["value", "fields", "short fields", "target", "name", "blank lines"],
)
def test_a_header_block_without_end_is_cut_off(service: Service, endless: tuple[bytes, bytes]) -> None:
    """It takes no memory, and nobody waits for it."""
    start, block = endless
    before = service.memory_mb()
    with connected(service.base) as raw:
        raw.send(start)
        sent = raw.send_while_open(block, times=64_000_000 // len(block))
        assert service.health_seconds() < SOON
        assert raw.ends_within(SOON)
    assert sent * len(block) < 16_000_000
    assert service.memory_mb() - before < 30


def test_header_fields_that_are_too_long_or_too_many_are_431(base: str) -> None:
    for fields in (["X-A: " + "a" * 40_000], [f"X-{n}: a" for n in range(300)]):
        with connected(base) as raw:
            raw.send(request("GET", "/healthz", *fields))
            assert_rejected(raw, 431, "header_too_large")


def test_header_fields_of_a_usual_size_are_read(base: str) -> None:
    with connected(base) as raw:
        raw.send(request("GET", "/healthz", "Cookie: " + "a" * 16_000, *[f"X-{n}: a" for n in range(100)]))
        answer = raw.answer()
    assert answer is not None
    assert answer.status == 200


def test_a_header_block_that_drips_is_408(base: str) -> None:
    with connected(base) as raw:
        raw.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert raw.drip(b"a" * 100, seconds=HEADER_SECONDS + SOON)
        assert_rejected(raw, 408, "request_too_slow")


def test_a_connection_that_says_nothing_is_closed(base: str) -> None:
    with connected(base) as raw:
        assert raw.ends_within(HEADER_SECONDS + SOON)


def test_the_second_header_block_of_a_connection_has_bounds_too(base: str) -> None:
    for rest, code in ((b"X-A: " + b"a" * 40_000, "header_too_large"), (b"X-A: a", "request_too_slow")):
        with connected(base) as raw:
            raw.send(request("GET", "/healthz"))
            first = raw.answer()
            assert first is not None
            assert first.status == 200
            raw.send(b"GET /healthz HTTP/1.1\r\n", rest)
            answer = raw.answer()
            assert answer is not None
            assert json.loads(answer.body)["code"] == code
            assert raw.ends_within(SOON)


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET //[ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ],
    ids=range(16),
)
def test_what_is_no_http_is_a_4xx_or_a_closed_connection(base: str, nonsense: bytes) -> None:
    with connected(base) as raw:
        raw.send(nonsense)
        answer = raw.answer()
        if answer is not None:
            assert 400 <= answer.status < 500
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "x"])
def test_a_request_that_offers_another_protocol_is_answered_in_this_one(base: str, protocol: str) -> None:
    """As Java's client offers HTTP/2 with each first request, body and all."""
    name = f"upgraded-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    offer = ("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {protocol}", "HTTP2-Settings: AAEAAEAA")
    with connected(base) as raw:
        raw.send(post("/v1/galleries", f"Content-Length: {len(body)}", *offer), body)
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 201
        for _ in range(3):
            raw.send(request("GET", f"/v1/galleries/{name}", *offer) + request("HEAD", "/healthz"))
            got, head = raw.answer(), raw.answer(head=True)
            assert got is not None
            assert head is not None
            assert (got.status, head.status) == (200, 200)
    with connected(base) as raw:
        chunk = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
        raw.send(post("/v1/galleries", "Transfer-Encoding: chunked", *offer), chunk)
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 409


def test_the_host_of_an_absolute_target_counts(base: str) -> None:
    """And not the header field, as HTTP has it."""
    for target, host, status in (
        ("http://localhost/v1/galleries", "evil.example", 200),
        ("HTTP://LOCALHOST:80/v1/galleries?limit=1", "evil.example", 200),
        ("http://evil.example/v1/galleries", "localhost", 421),
        ("http://localhost@evil.example/v1/galleries", "localhost", 421),
        ("http://evil.example#localhost", "localhost", 400),
        ("https://evil.example", "localhost", 421),
        ("http://localhost?a=b", "evil.example", 200),
    ):
        assert status_of(base, request("GET", target, host=host)) == status, target
    assert status_of(base, request("GET", "http://localhost/v1/galleries", host=None)) == 200


def test_a_request_over_a_socket_names_its_host_once(base: str) -> None:
    for headers in (("Host: localhost", "Host: evil.example"), ("Host: localhost", "Host: localhost"), ()):
        assert status_of(base, request("GET", "/v1/galleries", *headers, host=None)) == 400
    assert status_of(base, b"GET /healthz HTTP/1.0\r\n\r\n") == 200


def test_a_request_is_the_same_byte_by_byte(base: str) -> None:
    """However it is cut up on its way, and whatever follows it."""
    name = f"cut-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    half = len(body) // 2
    chunks = b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:half], body[half:]))
    whole = b"".join(
        (
            post("/v1/galleries", f"Content-Length: {len(body)}") + body,
            post("/v1/galleries", "Transfer-Encoding: chunked") + chunks + b"0\r\n\r\n",
            request("GET", f"/v1/galleries/{name}"),
            request("DELETE", f"/v1/galleries/{name}"),
        )
    )
    for size in (1, 7, len(whole)):
        with connected(base) as raw:
            for start in range(0, len(whole), size):
                raw.send(whole[start : start + size])
            statuses = [answer.status for _ in range(4) if (answer := raw.answer(head=False)) is not None]
        assert statuses == [201, 409, 200, 204]
