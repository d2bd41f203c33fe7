"""Bodies that do not come to their end, or are next to nothing but framing."""

import json
import time
from uuid import uuid4

import httpx2
import pytest

from tests.support.home import ready
from tests.support.hostile.raw_http import connected, many
from tests.support.hostile.service import (
    BODY_SECONDS,
    CHUNKED,
    MAX_REQUESTS,
    SOON,
    Service,
    assert_rejected,
    post,
)


def test_a_body_that_drips_is_408(base: str) -> None:
    for head, data in (
        (post("/v1/galleries", "Content-Length: 1000"), b" " * 1000),
        (CHUNKED, b"1\r\n \r\n" * 100),
    ):
        with connected(base) as raw:
            raw.send(head)
            assert raw.drip(data, seconds=BODY_SECONDS + SOON)
            assert_rejected(raw, 408, "request_too_slow")


def test_a_body_that_never_ends_is_ended(base: str) -> None:
    """However fast it drips: too many bytes, or too many seconds."""
    with connected(base) as raw:
        raw.send(post("/v1/galleries", "Content-Length: 20000000"))
        end = time.monotonic() + BODY_SECONDS * 10 + SOON
        while time.monotonic() < end and raw.send_while_open(b" " * 20_000, times=1):
            time.sleep(0.1)
        assert time.monotonic() < end


def test_a_slow_client_is_not_a_dripping_one(base: str) -> None:
    """10 kB/s for longer than one window."""
    body = json.dumps({"name": f"slow-{uuid4().hex}"}).encode() + b" " * 40_000
    with connected(base) as raw:
        raw.send(post("/v1/galleries", f"Content-Length: {len(body)}"))
        for start in range(0, len(body), 1000):
            raw.send(body[start : start + 1000])
            time.sleep(0.1)
        answer = raw.answer()
    assert answer is not None
    assert answer.status == 201


def test_an_answered_request_whose_body_drips_is_ended(base: str) -> None:
    """413 is there at once; what is sent after it does not keep the connection."""
    with connected(base) as raw:
        raw.send(post("/v1/galleries", "Content-Length: 5000000000"))
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 413
        end = time.monotonic() + BODY_SECONDS + SOON
        while time.monotonic() < end and raw.send_while_open(b"a", times=1):
            time.sleep(0.05)
        assert time.monotonic() < end


@pytest.mark.parametrize(
    ("endless", "code"),
    [
        (b"5;a=" + b"x" * 60_000, "header_too_large"),
        (b"1;" + b"x" * 10_000 + b"\r\n \r\n", "malformed_request"),
        (b"1\r\n \r\n" * 10_000, "malformed_request"),
    ],
    ids=["one extension", "extensions", "tiny chunks"],
)
def test_chunks_cannot_be_next_to_nothing_but_framing(service: Service, endless: bytes, code: str) -> None:
    before = service.memory_mb()
    with connected(service.base) as raw:
        raw.send(CHUNKED)
        sent = raw.send_while_open(endless, times=64_000_000 // len(endless))
        assert raw.ends_within(SOON)
    assert sent * len(endless) < 16_000_000
    assert service.memory_mb() - before < 30
    with connected(service.base) as raw:
        raw.send(CHUNKED, *[endless] * (300_000 // len(endless)))
        assert_rejected(raw, 431 if code == "header_too_large" else 400, code)


def test_trailer_fields_are_bounded_and_ignored(base: str) -> None:
    name = f"trailed-{uuid4().hex}"
    body = json.dumps({"name": name}).encode()
    chunks = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n"
    with connected(base) as raw:
        raw.send(CHUNKED, chunks, b"Host: evil.example\r\nOrigin: https://evil.example\r\n\r\n")
        answer = raw.answer()
        assert answer is not None
        assert answer.status == 201
    with connected(base) as raw:
        raw.send(CHUNKED, chunks, b"X-A: " + b"a" * 100_000)
        assert_rejected(raw, 431, "header_too_large")


def test_slow_bodies_take_no_slot(service: Service) -> None:
    """Ten times as many as there are slots, of which each other client gets what it asks for."""
    began = post("/v1/galleries", "Content-Length: 1000") + b'{"name": '
    with many(service.base, MAX_REQUESTS * 10, began):
        for _ in range(10):
            name = f"quick-{uuid4().hex}"
            httpx2.post(f"{service.base}/v1/galleries", json={"name": name}, timeout=60).raise_for_status()
        assert service.health_seconds() < SOON
        assert ready(service.base)
